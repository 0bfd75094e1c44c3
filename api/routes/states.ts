import { z } from 'zod';
import { createState, deleteState, listStates, readState, stateIdByName, updateState } from '../../store/states';
import { namedRef, uuid } from '../fields';
import { Problem } from '../problem';
import { route } from '../route';
import { reasonQuery, writtenAnswer, writtenBy, writtenResponses } from '../written';
import { resolveGroup } from './groups';
import type { Database } from '../../store/database';
import type { StateFields, StateRecord } from '../../store/states';
import type { Route } from '../route';

const stateSchema = z
  .object({
    id: uuid,
    name: z.string(),
    priority: z.number().int().meta({ description: "the highest one whose rule applies is a person's state" }),
    public: z.boolean().meta({ description: 'applies to everybody' }),
    groups: z.array(z.string()).meta({ description: 'names of the groups whose members have it' }),
    builtIn: z.boolean(),
  })
  .meta({ id: 'State' });

const MAX_PRIORITY = 1_000_000;
const name = z.string().max(100);
const priority = z.number().int().min(-MAX_PRIORITY).max(MAX_PRIORITY);
const optional = {
  public: z.boolean().optional(),
  groups: z
    .array(namedRef)
    .max(1000)
    .optional()
    .meta({ description: 'ids, or `name:Engine Room`; all of them: what is not named goes' }),
} as const;
const params = { state: namedRef.meta({ description: 'id, or `name:Member`' }) } as const;

function show({
  id,
  name: stateName,
  priority: rank,
  isPublic,
  groups,
  isBuiltIn,
}: StateRecord): z.input<typeof stateSchema> {
  return { id, name: stateName, priority: rank, public: isPublic, groups: [...groups], builtIn: isBuiltIn };
}

/** The id of the state that a path or body names. @throws Problem not-found */
export async function resolveState(db: Database, reference: string): Promise<string> {
  if (reference.startsWith('name:')) return stateIdByName(db, reference.slice('name:'.length));
  const state = await readState(db, reference);
  if (state === undefined) throw new Problem('not-found', `There is no state ${reference}.`);
  return state.id;
}

interface Body {
  readonly name?: string | undefined;
  readonly priority?: number | undefined;
  readonly public?: boolean | undefined;
  readonly groups?: readonly string[] | undefined;
}

async function fieldsOf(db: Database, body: Body): Promise<StateFields> {
  const groupIds =
    body.groups === undefined ? undefined : await Promise.all(body.groups.map((group) => resolveGroup(db, group)));
  return { name: body.name, priority: body.priority, isPublic: body.public, groupIds };
}

const list = route({
  method: 'get',
  path: '/v1/states',
  acl: 'organisation.states.read',
  summary: 'Lists all states, the highest priority first',
  tags: ['states'],
  responses: { 200: { description: 'All states', schema: z.object({ items: z.array(stateSchema) }) } },
  async handler({ context }) {
    return { status: 200, body: { items: (await listStates(context.db)).map(show) } };
  },
});

const create = route({
  method: 'post',
  path: '/v1/states',
  acl: 'organisation.states.create',
  summary: 'Adds a state',
  tags: ['states'],
  query: reasonQuery,
  body: z.strictObject({ name, priority, ...optional }),
  responses: writtenResponses({ state: stateSchema }),
  async handler({ body, query, ...request }) {
    const { db } = request.context;
    const fields = { ...(await fieldsOf(db, body)), name: body.name, priority: body.priority };
    const { record, change } = await createState(db, fields, writtenBy(request, query.reason));
    return writtenAnswer(request, change, { state: show(record) });
  },
});

const read = route({
  method: 'get',
  path: '/v1/states/{state}',
  acl: 'organisation.states.{state}.read',
  summary: 'Shows a state',
  tags: ['states'],
  params,
  responses: { 200: { description: 'The state', schema: stateSchema } },
  async handler({ params: { state }, context }) {
    const record = await readState(context.db, await resolveState(context.db, state));
    if (record === undefined) throw new Problem('not-found', `There is no state ${state}.`);
    return { status: 200, body: show(record) };
  },
});

const update = route({
  method: 'patch',
  path: '/v1/states/{state}',
  acl: 'organisation.states.{state}.update',
  summary: 'Alters a state; everybody is looked at again',
  tags: ['states'],
  params,
  query: reasonQuery,
  body: z.strictObject({ name: name.optional(), priority: priority.optional(), ...optional }),
  responses: writtenResponses({ state: stateSchema }),
  async handler({ params: { state }, body, query, ...request }) {
    const { db } = request.context;
    const id = await resolveState(db, state);
    const { record, change } = await updateState(db, id, {
      fields: await fieldsOf(db, body),
      by: writtenBy(request, query.reason),
    });
    return writtenAnswer(request, change, { state: show(record) });
  },
});

const remove = route({
  method: 'delete',
  path: '/v1/states/{state}',
  acl: 'organisation.states.{state}.delete',
  summary: 'Deletes a state with its grants; built-in ones stay',
  tags: ['states'],
  params,
  query: reasonQuery,
  responses: writtenResponses({ state: stateSchema }),
  async handler({ params: { state }, query, ...request }) {
    const { db } = request.context;
    const { record, change } = await deleteState(db, await resolveState(db, state), writtenBy(request, query.reason));
    return writtenAnswer(request, change, { state: show(record) });
  },
});

export const stateRoutes: readonly Route[] = [list, create, read, update, remove];
