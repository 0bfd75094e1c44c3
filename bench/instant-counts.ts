import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { byAccount, byGroup } from './connectors/instant';
import type { InstantCounts } from './connectors/instant';

/** Kinds of the in-process targets: memberships with the account, and with the group. */
export const INSTANT = byAccount.kind;
export const INSTANT_BY_GROUP = byGroup.kind;

/** The folder in which the in-process target of a service counts; made here. */
export function countsFolder(home: string, service: string): string {
  const folder = join(home, `counts-${service}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** What all worker processes together were asked for. */
export function readCounts(folder: string): InstantCounts {
  const sum: InstantCounts = {
    created: 0,
    updated: 0,
    removed: 0,
    groupsSet: 0,
    groupsMade: 0,
    memberChanges: 0,
    membersAdded: 0,
    membersRemoved: 0,
  };
  for (const file of readdirSync(folder)) {
    const counts = JSON.parse(readFileSync(join(folder, file), 'utf8')) as InstantCounts;
    for (const what of Object.keys(sum) as (keyof InstantCounts)[]) sum[what] += counts[what];
  }
  return sum;
}
