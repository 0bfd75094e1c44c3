import { z } from 'zod';
import { beginDraft, draftBytes, dropDraft, finishDraft, keepBytes, readDraft } from '../../store/import-drafts';
import { queryFlag, timestamp, uuid } from '../fields';
import { Problem } from '../problem';
import { differenceSchema, importMode, ROSTER_FORMATS, rosterStream, takeRoster } from '../roster-body';
import { route } from '../route';
import { reasonQuery, writtenAnswer, writtenBy, writtenResponses } from '../written';
import { importedFields, showImported } from './imports';
import type { ImportDraft } from '../../store/import-drafts';
import type { RosterFormat } from '../../roster';
import type { ApiContext } from '../context';
import type { Route } from '../route';

const params = { draftId: uuid } as const;

const draftSchema = z
  .object({
    id: uuid,
    mode: importMode,
    format: z.string(),
    allowEmpty: z.boolean(),
    actor: z.string(),
    bytes: z.number().int(),
    difference: differenceSchema.meta({ description: 'what it would have altered when it was sent' }),
    createdAt: timestamp,
    expiresAt: timestamp.meta({ description: 'it is gone then' }),
    links: z.object({ self: z.string(), apply: z.string() }),
  })
  .meta({ id: 'ImportDraft' });

function show(draft: ImportDraft): z.input<typeof draftSchema> {
  const self = `/v1/imports/drafts/${draft.id}`;
  const difference = draft.difference as z.input<typeof differenceSchema>;
  return { ...draft, difference, links: { self, apply: `${self}/apply` } };
}

async function requireDraft({ db }: Pick<ApiContext, 'db'>, id: string): Promise<ImportDraft> {
  const draft = await readDraft(db, id);
  if (draft === undefined) throw new Problem('not-found', `There is no draft ${id}; they are kept for a day.`);
  return draft;
}

const create = route({
  method: 'post',
  path: '/v1/imports/drafts',
  acl: 'organisation.imports.drafts.create',
  summary: 'Keeps a roster for a day, to be looked at before it is applied',
  description: 'Takes what POST /v1/imports takes, answers the difference, and changes nothing.',
  tags: ['imports'],
  query: { mode: importMode.default('replace'), allowEmpty: queryFlag.default(false) },
  stream: rosterStream,
  responses: { 201: { description: 'The draft', schema: draftSchema } },
  async handler({ query: { mode, allowEmpty }, stream, contentType, ...request }) {
    const { db } = request.context;
    const format = ROSTER_FORMATS[contentType] ?? 'json';
    const by = writtenBy(request, undefined);
    const id = await beginDraft(db, { mode, format, allowEmpty, actor: by.actor });
    try {
      const chunks = keepBytes(db, id, stream);
      const { difference } = await takeRoster(db, { chunks, format, mode, allowEmpty, by, dryRun: true });
      await finishDraft(db, id, difference);
    } catch (error) {
      await dropDraft(db, id);
      throw error;
    }
    const body = show(await requireDraft(request.context, id));
    return { status: 201, headers: { Location: body.links.self }, body };
  },
});

const read = route({
  method: 'get',
  path: '/v1/imports/drafts/{draftId}',
  acl: 'organisation.imports.drafts.{draftId}.read',
  summary: 'Shows a draft with its difference',
  tags: ['imports'],
  params,
  responses: { 200: { description: 'The draft', schema: draftSchema } },
  async handler({ params: { draftId }, context }) {
    return { status: 200, body: show(await requireDraft(context, draftId)) };
  },
});

const apply = route({
  method: 'post',
  path: '/v1/imports/drafts/{draftId}/apply',
  acl: 'organisation.imports.drafts.{draftId}.apply',
  summary: 'Brings the organisation to what the draft says',
  description:
    'As POST /v1/imports with the same roster now: the difference is worked out anew, and the draft is gone afterwards.',
  tags: ['imports'],
  params,
  query: reasonQuery,
  responses: writtenResponses(importedFields),
  async handler({ params: { draftId }, query: { reason }, ...request }) {
    const { db } = request.context;
    const { mode, allowEmpty, format } = await requireDraft(request.context, draftId);
    const chunks = draftBytes(db, draftId);
    const by = writtenBy(request, reason);
    const imported = await takeRoster(db, {
      chunks,
      format: format as RosterFormat,
      mode,
      allowEmpty,
      by,
      dryRun: false,
    });
    await dropDraft(db, draftId);
    return writtenAnswer(request, imported.import, showImported(imported, false));
  },
});

const discard = route({
  method: 'delete',
  path: '/v1/imports/drafts/{draftId}',
  acl: 'organisation.imports.drafts.{draftId}.delete',
  summary: 'Takes a draft away',
  tags: ['imports'],
  params,
  responses: { 204: { description: 'It is gone' } },
  async handler({ params: { draftId }, context }) {
    if (!(await dropDraft(context.db, draftId))) throw new Problem('not-found', `There is no draft ${draftId}.`);
    return { status: 204 };
  },
});

export const importDraftRoutes: readonly Route[] = [create, read, apply, discard];
