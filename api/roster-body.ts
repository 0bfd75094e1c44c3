import { z } from 'zod';
import { StoreError } from '../store/errors';
import { importRoster } from '../store/imports';
import { listStates } from '../store/states';
import { readRoster } from '../roster';
import type { RosterMode } from '../domain/roster';
import type { ReadRoster, RosterFormat } from '../roster';
import type { Database } from '../store/database';
import type { Imported } from '../store/imports';
import type { WrittenBy } from '../store/users';

/** 512 MiB: some two million people. Only one person at a time is held in memory. */
const MAX_BYTES = 512 * 1024 * 1024;

/** By the media type of the body. */
export const ROSTER_FORMATS: Readonly<Record<string, RosterFormat>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/yaml': 'yaml',
  'application/x-yaml': 'yaml',
  'text/yaml': 'yaml',
  'text/csv': 'csv',
};

/** The body of a route that takes a roster. */
export const rosterStream = { contentTypes: Object.keys(ROSTER_FORMATS), maxBytes: MAX_BYTES } as const;

export const importMode = z.enum(['replace', 'merge'], 'must be replace or merge');

const partSchema = z.object({
  count: z.number().int(),
  names: z.array(z.string()).meta({ description: 'the first 100' }),
});

export const differenceSchema = z
  .object({
    created: partSchema,
    updated: partSchema.meta({ description: 'profile or state' }),
    renamed: partSchema,
    deactivated: partSchema,
    reactivated: partSchema,
    released: partSchema.meta({ description: 'inactive people who gave up their username to somebody new' }),
    groupsCreated: partSchema,
    membershipsAdded: partSchema.meta({ description: '`names` are usernames' }),
    membershipsRemoved: partSchema.meta({ description: '`names` are usernames' }),
    unchanged: z.number().int(),
  })
  .meta({ id: 'RosterDifference' });

export interface RosterBody {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly format: RosterFormat;
  readonly mode: RosterMode;
  readonly allowEmpty: boolean;
  readonly dryRun: boolean;
  readonly by: WrittenBy;
}

/** Reads a roster, checks all of it, and takes it in or only works out the difference. @throws StoreError invalid-roster, conflict */
export async function takeRoster(db: Database, body: RosterBody): Promise<Imported> {
  const { chunks, format, mode, ...request } = body;
  const states = (await listStates(db)).map((state) => state.name);
  const roster = await readRoster({ chunks, format, mode, states });
  try {
    refuseBadLines(roster);
    const rows = { users: roster.users, groups: roster.groups, batches: () => roster.spool.batches() };
    return await importRoster(db, { rows, mode, ...request });
  } finally {
    await roster.spool.close();
  }
}

/** @throws StoreError invalid-roster naming every bad line */
function refuseBadLines(roster: ReadRoster): void {
  if (roster.problemCount === 0) return;
  const more = roster.problemCount > roster.problems.length ? ` The first ${roster.problems.length} are listed.` : '';
  throw new StoreError(
    'invalid-roster',
    `${things(roster.problemCount)} wrong with the roster. Nothing was changed.${more}`,
    {
      errors: roster.problems.map(({ line, detail }) => ({ pointer: `line ${line}`, detail })),
    },
  );
}

function things(count: number): string {
  return count === 1 ? 'One thing is' : `${count} things are`;
}
