import { z } from 'zod';
import { addGrant, listGrants, readGrant, removeGrant } from '../../store/grants';
import { readService } from '../../store/services';
import { resolveUser } from '../../store/users';
import { namedRef, serviceName, timestamp, userRef, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { Problem } from '../problem';
import { route } from '../route';
import { reasonQuery, writtenAnswer, writtenBy, writtenResponses } from '../written';
import { resolveGroup } from './groups';
import { resolveState } from './states';
import type { Database } from '../../store/database';
import type { GrantRecord } from '../../store/grants';
import type { GrantSubject } from '../../domain/words';
import type { Route } from '../route';

const grantSchema = z
  .object({
    id: uuid,
    service: z.string(),
    subject: z.object({ kind: z.enum(['user', 'group', 'state']), id: uuid, name: z.string() }),
    createdAt: timestamp,
    createdBy: z.string(),
  })
  .meta({ id: 'Grant' });

const subjectFields = {
  user: userRef.optional(),
  group: namedRef.optional().meta({ description: 'id, or `name:Engine Room`' }),
  state: namedRef.optional().meta({ description: 'id, or `name:Member`' }),
} as const;

const bodySchema = z.strictObject({ service: serviceName, ...subjectFields });

function show({ id, service, subject, createdAt, createdBy }: GrantRecord): z.input<typeof grantSchema> {
  return { id, service, subject, createdAt, createdBy };
}

interface SubjectNames {
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly state?: string | undefined;
}

/** The one subject that is named; undefined when none is. @throws Problem when several are, or one does not exist */
async function subjectOf(db: Database, names: SubjectNames): Promise<GrantSubject | undefined> {
  const given = [names.user, names.group, names.state].filter((name) => name !== undefined);
  if (given.length > 1) throw new Problem('invalid-body', 'A grant is to one of user, group and state.');
  if (names.user !== undefined) return { kind: 'user', id: await resolveUser(db, names.user) };
  if (names.group !== undefined) return { kind: 'group', id: await resolveGroup(db, names.group) };
  return names.state === undefined ? undefined : { kind: 'state', id: await resolveState(db, names.state) };
}

const list = route({
  method: 'get',
  path: '/v1/grants',
  acl: 'organisation.grants.read',
  summary: 'Lists grants, oldest first',
  tags: ['grants'],
  query: { ...pageQuery, service: serviceName.optional(), ...subjectFields },
  responses: { 200: { description: 'A page', schema: pageOf(grantSchema) } },
  async handler({ query, context: { db }, url }) {
    const serviceId = query.service === undefined ? undefined : (await readService(db, query.service)).id;
    const subject = await subjectOf(db, query);
    const rows = await listGrants(db, {
      serviceId,
      subjectId: subject?.id,
      after: readCursor(query.cursor, uuid),
      limit: query.limit + 1,
    });
    return pageAnswer({ url }, { rows, limit: query.limit, show, keyOf: (row) => row.id });
  },
});

const create = route({
  method: 'post',
  path: '/v1/grants',
  acl: 'organisation.grants.create',
  summary: 'Gives a user, a group or a state the right to a service',
  description: 'The union of all grants counts. A grant that stands already answers 200.',
  tags: ['grants'],
  query: reasonQuery,
  body: bodySchema,
  responses: writtenResponses({ grant: grantSchema }),
  async handler({ body, query, ...request }) {
    const { db } = request.context;
    const service = await readService(db, body.service);
    const subject = await subjectOf(db, body);
    if (subject === undefined) throw new Problem('invalid-body', 'A grant needs a user, a group or a state.');
    const { record, change } = await addGrant(db, { serviceId: service.id, subject }, writtenBy(request, query.reason));
    return writtenAnswer(request, change, { grant: show(record) });
  },
});

const read = route({
  method: 'get',
  path: '/v1/grants/{grantId}',
  acl: 'organisation.grants.{grantId}.read',
  summary: 'Shows a grant',
  tags: ['grants'],
  params: { grantId: uuid },
  responses: { 200: { description: 'The grant', schema: grantSchema } },
  async handler({ params: { grantId }, context }) {
    const grant = await readGrant(context.db, grantId);
    if (grant === undefined) throw new Problem('not-found', `There is no grant ${grantId}.`);
    return { status: 200, body: show(grant) };
  },
});

const remove = route({
  method: 'delete',
  path: '/v1/grants/{grantId}',
  acl: 'organisation.grants.{grantId}.delete',
  summary: 'Takes a grant away; who has another one keeps the service',
  tags: ['grants'],
  params: { grantId: uuid },
  query: reasonQuery,
  responses: writtenResponses({ grant: grantSchema }),
  async handler({ params: { grantId }, query, ...request }) {
    const { record, change } = await removeGrant(request.context.db, grantId, writtenBy(request, query.reason));
    return writtenAnswer(request, change, { grant: show(record) });
  },
});

export const grantRoutes: readonly Route[] = [list, create, read, remove];
