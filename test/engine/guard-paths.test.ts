import { requestValidation } from '../../activities/scheduled';
import { requestAccount } from '../../store/account-requests';
import { approveStaged, listStaged } from '../../store/guard-decisions';
import { StoreError } from '../../store/errors';
import { addGrant } from '../../store/grants';
import { deleteGroup, removeMembers, addMembers, createGroup } from '../../store/groups';
import { listNotifications } from '../../store/notifications';
import { readService, updateService } from '../../store/services';
import type { ServiceRecord } from '../../store/services';
import { requestSync } from '../../store/syncs';
import type { SyncKind } from '../../store/syncs';
import { deleteUser, updateUser } from '../../store/users';
import { importPeople } from '../faults/harness';
import { startTestEngine } from './engine';
import type { NewTestService, TestEngine } from './engine';
import { allQuiet, BY, eventually, insertMembers } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

/** Of so many, so many lose what they have: more than the ten that are always allowed. */
const PEOPLE = 16;
const LEAVING = 13;
const ALLOWED = 10;

const target = new ScriptedTarget();
let engine: TestEngine;
let count = 0;

beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target)) });
});
afterAll(() => engine.close());

interface Scene {
  readonly service: ServiceRecord;
  readonly groupId: string;
  readonly people: readonly string[];
  readonly leaving: readonly string[];
}

/** A service of its own, whose people have it by a group of their own. */
async function scene(settings: Partial<NewTestService> = {}): Promise<Scene> {
  const name = `path-${(count += 1)}`;
  const people = (await insertMembers(engine, { prefix: name, count: PEOPLE })).toSorted();
  const groupId = (await createGroup(engine.db, name, BY)).record.id;
  await addMembers(engine.db, { groupId, userIds: people, by: BY });
  const service = await engine.addService({ name, connector: 'scripted', ...settings });
  const { change } = await addGrant(engine.db, { serviceId: service.id, subject: { kind: 'group', id: groupId } }, BY);
  await send(change);
  await quiet(service);
  return { service, groupId, people, leaving: people.slice(0, LEAVING) };
}

async function send(change: { readonly changeId: number } | undefined): Promise<void> {
  if (change !== undefined) await engine.flow.changed(change.changeId);
}

/** Nothing is on its way any more but what waits for a person. */
async function quiet(service: ServiceRecord): Promise<void> {
  await eventually('nothing is on its way', async () => {
    const open = await engine.db.query(
      `select from changes where expanded_at is null union all select from syncs where finished_at is null`,
    );
    if (open.rowCount === 0) return true;
    await engine.flowDeps.starter.sweepNow();
    return false;
  });
  await allQuiet(engine, service.id);
}

async function lost(service: ServiceRecord): Promise<number> {
  const found = await engine.db.query(
    `select from accounts where service_id = $1 and (status in ('removed', 'disabled') or applied_groups = '{}')`,
    [service.id],
  );
  return found.rowCount ?? 0;
}

async function notices(service: ServiceRecord): Promise<number> {
  const found = await listNotifications(engine.db, { userId: null, limit: 500 });
  return found.filter((one) => one.serviceName === service.name && one.title.includes('wait for you')).length;
}

function waiting(service: ServiceRecord) {
  return listStaged(engine.db, { serviceId: service.id, limit: 100 });
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (const item of items) await work(item);
}

/** Takes the right away without telling anybody: only who looks at the accounts finds it. */
function unnoticed({ groupId, leaving }: Scene): Promise<unknown> {
  return engine.db.query(`delete from members where group_id = $1 and user_id = any($2::uuid[])`, [groupId, leaving]);
}

async function sync(one: Scene, kind: SyncKind): Promise<void> {
  await unnoticed(one);
  await requestSync(engine.db, { serviceId: one.service.id, kind, scope: {}, actor: 'client:test' });
  await engine.flow.syncRequested(one.service.name);
}

async function ask({ service }: Scene, kind: 'validateUser' | 'deleteAccount', userId: string): Promise<void> {
  try {
    await requestAccount(engine.db, { serviceId: service.id, userId, kind, actor: 'client:test' });
  } catch (error) {
    // Whoever still went round has come upon it already.
    if (error instanceof StoreError && error.code === 'no-account') return;
    throw error;
  }
  await engine.flow.accountDue(service.id, userId);
  await allQuiet(engine, service.id);
}

async function roster({ people, leaving }: Scene): Promise<void> {
  const found = await engine.db.query<{ username: string }>(
    `select username from users where active and not id = any($1::uuid[])`,
    [leaving],
  );
  expect(people.length).toBe(PEOPLE);
  await send(await importPeople(engine, found.rows, 'replace'));
}

interface Path {
  readonly path: string;
  /** Takes away what `leaving` have. */
  readonly take: (one: Scene) => Promise<unknown>;
  /** A change is looked at as a whole: all of it waits. One after the other the first ten are ordinary. */
  readonly goes: number;
  readonly settings?: Partial<NewTestService>;
}

const ALL_AT_ONCE: readonly Path[] = [
  { path: 'an import from which they are missing', goes: 0, take: roster },
  {
    path: 'members taken out of a group by the API',
    goes: 0,
    take: async ({ groupId, leaving }) =>
      send((await removeMembers(engine.db, { groupId, userIds: leaving, by: BY })).change),
  },
  {
    path: 'the deletion of their group',
    goes: 0,
    take: async ({ groupId }) => send((await deleteGroup(engine.db, groupId, BY)).change),
  },
  {
    path: 'switching the service off',
    goes: 0,
    take: async ({ service }) => {
      const alter = (before: ServiceRecord) => ({ ...before, enabled: false });
      await send((await updateService(engine.db, { name: service.name, alter }, BY)).change);
    },
  },
  {
    path: 'a mapping that takes their groups away',
    goes: 0,
    take: async ({ service }) => {
      const alter = (before: ServiceRecord) => ({ ...before, mapping: { groups: { default: 'none' } } as const });
      await send((await updateService(engine.db, { name: service.name, alter }, BY)).change);
    },
  },
];

const ONE_BY_ONE: readonly Path[] = [
  { path: 'a validating sync', goes: ALLOWED, take: (one) => sync(one, 'validate') },
  { path: 'a sync of the accounts', goes: ALLOWED, take: (one) => sync(one, 'accounts') },
  {
    path: 'the daily validation',
    goes: ALLOWED,
    take: async (one) => {
      await unnoticed(one);
      await requestValidation({ ...engine.flowDeps } as Parameters<typeof requestValidation>[0]);
    },
  },
  {
    path: 'one person after the other switched off',
    goes: ALLOWED,
    take: ({ leaving }) =>
      each(leaving, async (id) =>
        send((await updateUser(engine.db, id, { fields: { active: false }, by: BY })).change),
      ),
  },
  {
    path: 'one person after the other deleted',
    goes: ALLOWED,
    take: ({ leaving }) => each(leaving, async (id) => send((await deleteUser(engine.db, id, BY)).change)),
  },
  {
    path: 'one account after the other validated by hand',
    goes: ALLOWED,
    take: async (one) => {
      await unnoticed(one);
      await each(one.leaving, (id) => ask(one, 'validateUser', id));
    },
  },
  {
    path: 'one account after the other given up',
    goes: ALLOWED,
    take: (one) => each(one.leaving, (id) => ask(one, 'deleteAccount', id)),
  },
  {
    path: 'disabling instead of removing',
    goes: ALLOWED,
    settings: { onLoss: 'disable' },
    take: (one) => sync(one, 'validate'),
  },
];

describe('what is taken away by', () => {
  test.each([...ALL_AT_ONCE, ...ONE_BY_ONE])('$path stops at the guard', async ({ take, goes, settings }) => {
    const one = await scene(settings);

    await take(one);
    await quiet(one.service);

    const staged = await waiting(one.service);
    expect(await lost(one.service)).toBe(goes);
    expect(staged.length).toBeGreaterThanOrEqual(LEAVING - goes);
    expect(await notices(one.service)).toBe(1);
  });
});

describe('a guard that pauses its service', () => {
  test('stops everything until all of it is decided, and is told of once', async () => {
    const one = await scene({ guard: { pause: true } });
    await send((await removeMembers(engine.db, { groupId: one.groupId, userIds: one.leaving, by: BY })).change);
    const [first, ...others] = await waiting(one.service);
    expect(await readService(engine.db, one.service.name)).toMatchObject({ pausedReason: 'guard' });

    const by = { serviceId: one.service.id, actor: 'client:boss', reason: 'they left' };
    await approveStaged(engine.db, { ...by, ids: [first?.id ?? ''] });
    expect((await readService(engine.db, one.service.name)).pausedReason).toBe('guard');
    expect(await lost(one.service)).toBe(0);
    const { changeId } = await approveStaged(engine.db, { ...by, ids: others.map(({ id }) => id) });

    expect((await readService(engine.db, one.service.name)).pausedReason).toBeNull();
    await send({ changeId: changeId ?? 0 });
    await engine.flow.serviceOpened();
    await quiet(one.service);
    expect(await lost(one.service)).toBe(LEAVING);
    expect(await notices(one.service)).toBe(1);
  });

  test('goes on by itself when the rights come back', async () => {
    const one = await scene({ guard: { pause: true } });
    await send((await removeMembers(engine.db, { groupId: one.groupId, userIds: one.leaving, by: BY })).change);
    await send((await addMembers(engine.db, { groupId: one.groupId, userIds: one.leaving, by: BY })).change);

    await eventually('the service goes on', async () => {
      await engine.flowDeps.starter.sweepNow();
      return (await readService(engine.db, one.service.name)).pausedReason === null;
    });
    await quiet(one.service);

    expect(await waiting(one.service)).toEqual([]);
    expect(await lost(one.service)).toBe(0);
  });
});
