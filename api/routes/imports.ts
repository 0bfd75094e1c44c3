import { z } from 'zod';
import { readRoster } from '../../roster';
import { StoreError } from '../../store/errors';
import { importRoster, listImports } from '../../store/imports';
import { listStates } from '../../store/states';
import { queryFlag, timestamp, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { route } from '../route';
import { reasonQuery, writtenAnswer, writtenBy, writtenResponses } from '../written';
import type { ReadRoster, RosterFormat } from '../../roster';
import type { ImportRecord, Imported } from '../../store/imports';
import type { Route } from '../route';

/** 512 MiB: some two million people. Only one person at a time is held in memory. */
const MAX_BYTES = 512 * 1024 * 1024;

const FORMATS: Readonly<Record<string, RosterFormat>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/yaml': 'yaml',
  'application/x-yaml': 'yaml',
  'text/yaml': 'yaml',
  'text/csv': 'csv',
};

const mode = z.enum(['replace', 'merge'], 'must be replace or merge');

const partSchema = z.object({
  count: z.number().int(),
  names: z.array(z.string()).meta({ description: 'the first 100' }),
});

const differenceSchema = z
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

const importSchema = z
  .object({
    id: uuid,
    mode,
    actor: z.string(),
    difference: differenceSchema,
    operationId: uuid.nullable(),
    createdAt: timestamp,
  })
  .meta({ id: 'Import' });

function show({ id, mode: importMode, actor, difference, operationId, createdAt }: ImportRecord): object {
  return { id, mode: importMode, actor, difference, operationId, createdAt };
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

function answerOf(imported: Imported, dryRun: boolean): object {
  return { importId: imported.import?.importId ?? null, dryRun, difference: imported.difference };
}

const create = route({
  method: 'post',
  path: '/v1/imports',
  acl: 'organisation.imports.create',
  summary: 'Brings the organisation to what a roster says',
  description: [
    'JSON or YAML: `{users: [{externalId, username, displayName, email, active, state, attributes, groups: [name, ...]}], groups: [{name}]}`',
    '(or only the list of users), NDJSON with one user a line, or CSV with the same columns (groups parted by `;`, attributes as a JSON',
    'object or as columns `attributes.<key>`). People match by `externalId`, else by username.',
    '',
    'The roster is the whole truth: who is missing is deactivated, and the memberships of everybody named are exactly those given.',
    'With `mode=merge` it only adds and alters. Everything is checked first; every bad line is reported and then nothing is changed.',
  ].join('\n'),
  tags: ['imports'],
  query: {
    ...reasonQuery,
    mode: mode.default('replace'),
    dryRun: queryFlag.default(false).meta({ description: 'only answer the difference' }),
    allowEmpty: queryFlag.default(false).meta({ description: 'a roster without people means that everybody has left' }),
  },
  stream: { contentTypes: Object.keys(FORMATS), maxBytes: MAX_BYTES },
  responses: writtenResponses({ importId: uuid.nullable(), dryRun: z.boolean(), difference: differenceSchema }),
  async handler({ query, stream, contentType, ...request }) {
    const { db } = request.context;
    const states = (await listStates(db)).map((state) => state.name);
    const roster = await readRoster({
      chunks: stream,
      format: FORMATS[contentType] ?? 'json',
      mode: query.mode,
      states,
    });
    try {
      refuseBadLines(roster);
      const rows = { users: roster.users, groups: roster.groups, batches: () => roster.spool.batches() };
      const { dryRun, allowEmpty } = query;
      const imported = await importRoster(db, {
        rows,
        mode: query.mode,
        dryRun,
        allowEmpty,
        by: writtenBy(request, query.reason),
      });
      return await writtenAnswer(request, imported.import, { ...answerOf(imported, dryRun) });
    } finally {
      await roster.spool.close();
    }
  },
});

const list = route({
  method: 'get',
  path: '/v1/imports',
  acl: 'organisation.imports.read',
  summary: 'Lists imports that altered something, newest first',
  tags: ['imports'],
  query: pageQuery,
  responses: { 200: { description: 'A page', schema: pageOf(importSchema) } },
  async handler({ query: { limit, cursor }, context, url }) {
    const rows = await listImports(context.db, { after: readCursor(cursor, uuid), limit: limit + 1 });
    return pageAnswer(
      { url },
      { rows, limit, show: (row) => show(row) as z.input<typeof importSchema>, keyOf: (row) => row.id },
    );
  },
});

export const importRoutes: readonly Route[] = [create, list];
