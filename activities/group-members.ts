import type { AccountRef, GroupRef } from '@muster/sdk';
import { Gone } from '@muster/sdk';
import { askGuard, cancelTakings } from '../store/guard';
import { confirmLeavers, memberDifferences, recordMembers, returnedMembers } from '../store/group-members';
import type { MemberDifference } from '../store/group-members';
import type { GroupRound } from './converge-group';
import type { ActivityDependencies } from './dependencies';
import { callManager } from './manager-call';

/** Members that are changed by one call, and recorded together. */
const PAGE = 500;

export interface MemberGroup {
  readonly id: string;
  readonly version: number;
  readonly ref: GroupRef;
}

/**
 * Where a service keeps members by group: brings the members of one group to what they should be, a page at a time. A
 * removal that the guard does not let go is left out; everything else goes on. Adding twice or removing twice is harmless.
 */
export async function convergeMembers(
  deps: ActivityDependencies,
  round: GroupRound,
  group: MemberGroup,
): Promise<readonly string[]> {
  const place = { serviceId: round.service.id, remoteGroupId: group.id };
  for (const userId of await returnedMembers(deps.db, place))
    await cancelTakings(deps.db, { serviceId: place.serviceId, userId }, ['group removal']);
  let changed = false;
  for (;;) {
    const found = await memberDifferences(deps.db, place, PAGE);
    const added = found.filter((difference) => difference.wanted);
    const { removed, wait } = await allowedRemovals(deps, group, {
      ...place,
      removals: found.filter(({ wanted }) => !wanted),
    });
    if (added.length + removed.length > 0) {
      changed = true;
      await write(deps, round, { group, added, removed });
      deps.failpoint('group:after members');
      await record(deps, place, { added: added.map(userIdOf), removed: removed.map(userIdOf) });
    }
    // A page of nothing but removals that were staged just now is not the end: behind it may be who joins.
    // Whoever waits for a change to be looked at is due again by that change.
    else if (wait || found.length < PAGE) return changed ? ['change members'] : [];
  }
}

/** Together: else a crash in between would have the same removals counted twice. */
async function record(
  deps: ActivityDependencies,
  place: { readonly serviceId: string; readonly remoteGroupId: string },
  change: { readonly added: readonly string[]; readonly removed: readonly string[] },
): Promise<void> {
  await deps.db.transaction(async (client) => {
    await recordMembers(client, place, change);
    await confirmLeavers(client, place.serviceId, change.removed);
  });
}

interface Page {
  readonly group: MemberGroup;
  readonly added: readonly MemberDifference[];
  readonly removed: readonly MemberDifference[];
}

async function write(deps: ActivityDependencies, round: GroupRound, page: Page): Promise<void> {
  const { manager } = round.entry;
  const owner = `${deps.installId}:${round.service.id}`;
  const change = {
    add: page.added.map((one) => refOf(one, owner)),
    remove: page.removed.map((one) => refOf(one, owner)),
  };
  const outcome = await callManager(round.entry, round.call, async (context) =>
    manager.changeMembers?.(page.group.ref, change, context),
  );
  if (outcome === 'gone')
    throw new Gone('the group is not there any more', { what: 'group', remoteId: page.group.ref.remoteId });
}

function refOf(difference: MemberDifference, owner: string): AccountRef {
  const { keyId, remoteId, remoteName } = difference;
  return { remoteId, name: remoteName, key: { userId: keyId, owner, remoteId } };
}

function userIdOf(difference: MemberDifference): string {
  return difference.userId;
}

interface Removals {
  readonly serviceId: string;
  readonly removals: readonly MemberDifference[];
}

async function allowedRemovals(
  deps: ActivityDependencies,
  group: MemberGroup,
  { serviceId, removals }: Removals,
): Promise<{ readonly removed: readonly MemberDifference[]; readonly wait: boolean }> {
  const removed: MemberDifference[] = [];
  let wait = false;
  for (const removal of removals) {
    const { userId, username } = removal;
    const taking = { userId, username, kind: 'group removal', amount: 1, groups: [group.id] } as const;
    const answer = await askGuard(deps.db, { serviceId, version: group.version, taking });
    if (answer === 'allowed') removed.push(removal);
    wait ||= answer === 'wait';
  }
  return { removed, wait };
}
