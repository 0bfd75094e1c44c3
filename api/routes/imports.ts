import { z } from 'zod';
import { listImports } from '../../store/imports';
import { queryFlag, timestamp, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { differenceSchema, importMode, ROSTER_FORMATS, rosterStream, takeRoster } from '../roster-body';
import { route } from '../route';
import { reasonQuery, writtenAnswer, writtenBy, writtenResponses } from '../written';
import type { ImportRecord, Imported } from '../../store/imports';
import type { Route } from '../route';

const importSchema = z
  .object({
    id: uuid,
    mode: importMode,
    actor: z.string(),
    difference: differenceSchema,
    operationId: uuid.nullable(),
    createdAt: timestamp,
  })
  .meta({ id: 'Import' });

function show({ id, mode, actor, difference, operationId, createdAt }: ImportRecord): object {
  return { id, mode, actor, difference, operationId, createdAt };
}

/** The fields of an answer to a roster, beside `operation`. */
export const importedFields = { importId: uuid.nullable(), dryRun: z.boolean(), difference: differenceSchema } as const;

/** As `importedFields` says. */
export function showImported(imported: Imported, dryRun: boolean): Readonly<Record<string, unknown>> {
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
    mode: importMode.default('replace'),
    dryRun: queryFlag.default(false).meta({ description: 'only answer the difference' }),
    allowEmpty: queryFlag.default(false).meta({ description: 'a roster without people means that everybody has left' }),
  },
  stream: rosterStream,
  responses: writtenResponses(importedFields),
  async handler({ query, stream, contentType, ...request }) {
    const { mode, dryRun, allowEmpty, reason } = query;
    const by = writtenBy(request, reason);
    const format = ROSTER_FORMATS[contentType] ?? 'json';
    const imported = await takeRoster(request.context.db, { chunks: stream, format, mode, dryRun, allowEmpty, by });
    return writtenAnswer(request, imported.import, showImported(imported, dryRun));
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
