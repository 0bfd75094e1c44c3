import { ServiceHook } from '../../sdk/index';
import type { HookContext } from '../../sdk/index';
import { readAccount } from '../../store/accounts';
import { addGrant } from '../../store/grants';
import { addMembers, createGroup } from '../../store/groups';
import { listSyncItems } from '../../store/sync-items';
import type { ListedItem } from '../../store/sync-items';
import { approvePlan } from '../../store/sync-steering';
import { readSync, requestSync } from '../../store/syncs';
import type { Sync, SyncKind, SyncScope } from '../../store/syncs';
import type { ServiceRecord } from '../../store/services';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { allQuiet, BY, eventually, insertMembers, settled } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

const PEOPLE = 30;

const target = new ScriptedTarget();
let engine: TestEngine;
let service: ServiceRecord;
let people: readonly string[];
let crowd: string;

beforeAll(async () => {
  const hook = (context: HookContext): ServiceHook => new ServiceHook(context);
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target, { hook })) });
  people = (await insertMembers(engine, { prefix: 'person', count: PEOPLE })).toSorted();
  crowd = (await createGroup(engine.db, 'crowd', BY)).record.id;
  await addMembers(engine.db, { groupId: crowd, userIds: people, by: BY });
  service = await engine.addService({ name: 'bulky', connector: 'scripted' });
  await settled(
    engine,
    await addGrant(engine.db, { serviceId: service.id, subject: { kind: 'group', id: crowd } }, BY),
  );
  await allQuiet(engine, service.id);
});
beforeEach(async () => {
  await allQuiet(engine, service.id);
  target.reset();
});
afterAll(() => engine.close());

async function run(wanted: { readonly kind: SyncKind; readonly scope?: SyncScope; readonly dryRun?: boolean }) {
  const { kind, scope = {}, dryRun } = wanted;
  const asked = await requestSync(engine.db, { serviceId: service.id, kind, scope, dryRun, actor: 'client:test' });
  await engine.flow.syncRequested(service.name, asked.syncId);
  return finished(asked.syncId);
}

async function execute(plan: Sync): Promise<Sync> {
  const { syncId } = await approvePlan(engine.db, { syncId: plan.id, actor: 'client:boss', reason: 'looks right' });
  await engine.flow.syncRequested(service.name, syncId);
  return finished(syncId);
}

async function finished(syncId: string): Promise<Sync> {
  return eventually('the sync has ended', async () => {
    const sync = await readSync(engine.db, syncId);
    return sync?.finishedAt == null ? undefined : sync;
  });
}

function itemsOf(sync: Sync): Promise<readonly ListedItem[]> {
  return listSyncItems(engine.db, { syncId: sync.id, limit: 1_000 });
}

async function itemOf(sync: Sync, userId: string): Promise<ListedItem | undefined> {
  return (await itemsOf(sync)).find((item) => item.userId === userId);
}

/** Takes the right away without telling anybody: only a look at the account finds it. */
async function leaveCrowd(userIds: readonly string[]): Promise<void> {
  await engine.db.query(`delete from members where group_id = $1 and user_id = any($2::uuid[])`, [crowd, userIds]);
}

async function joinCrowd(userIds: readonly string[]): Promise<void> {
  await engine.db.query(`insert into members (group_id, user_id) select $1, id from unnest($2::uuid[]) id`, [
    crowd,
    userIds,
  ]);
}

/** What a plan must leave as it is. */
async function traces() {
  const one = async (sql: string): Promise<unknown> => (await engine.db.query(sql)).rows;
  return {
    accounts: await one(
      `select user_id, wanted_version, applied_version, status, due_reasons from accounts order by 1`,
    ),
    names: await one(`select name, user_id, taken from account_names order by 1`),
    guard: await one(
      `select user_id, kind from guard_taken union all select user_id, kind from guard_staged order by 1, 2`,
    ),
    groups: await one(`select id, wanted_version, applied_version from remote_groups order by 1`),
    calls: target.calls.length,
  };
}

describe('a plan', () => {
  test('says what would be done, before and after and why, and leaves no trace', async () => {
    const [renamed = '', gone = '', same = ''] = people;
    await engine.db.query(`update users set display_name = 'New name' where id = $1`, [renamed]);
    await leaveCrowd([gone]);
    const before = await traces();

    const plan = await run({ kind: 'full', dryRun: true });

    expect(plan).toMatchObject({
      dryRun: true,
      status: 'succeeded',
      total: PEOPLE,
      succeeded: 2,
      unchanged: PEOPLE - 2,
    });
    expect(await itemOf(plan, renamed)).toMatchObject({
      outcome: 'succeeded',
      planned: {
        steps: ['update profile', 'set nickname'],
        before: { status: 'active', displayName: 'One of many', nickname: 'One of many' },
        after: { status: 'active', displayName: 'New name', nickname: 'New name' },
        why: expect.stringMatching(/^Yes: granted to group crowd/),
        guard: [],
      },
    });
    expect(await itemOf(plan, gone)).toMatchObject({
      planned: {
        steps: ['delete'],
        before: { status: 'active' },
        after: null,
        why: 'No: no grant gives the right to bulky.',
        guard: ['removal'],
      },
    });
    expect(await itemOf(plan, same)).toMatchObject({ outcome: 'unchanged', planned: { steps: [] } });
    expect(await listSyncItems(engine.db, { syncId: plan.id, step: 'delete', limit: 10 })).toHaveLength(1);
    expect(await traces()).toEqual(before);
    expect(target.calls).toEqual([]);

    const sync = await execute(plan);
    expect(sync).toMatchObject({ dryRun: false, planOf: plan.id, actor: 'client:boss', total: 2, succeeded: 2 });
    expect(await itemOf(sync, renamed)).toMatchObject({ reason: 'update profile, set nickname' });
    expect(await itemOf(sync, gone)).toMatchObject({ reason: 'delete' });
    expect(target.accounts.has(gone)).toBe(false);
    // A control: the same look at the traces finds what a real sync does.
    expect(await traces()).not.toEqual(before);
    await joinCrowd([gone]);
    await run({ kind: 'accounts', scope: { userIds: [gone] } });
  });

  test('that is executed does what is right by then, and says so', async () => {
    const [one = '', other = '', third = ''] = people.slice(5);
    await engine.db.query(`update users set display_name = 'Planned' where id = any($1::uuid[])`, [
      [one, other, third],
    ]);
    const plan = await run({ kind: 'full', dryRun: true });
    expect(plan.succeeded).toBe(3);
    await engine.db.query(`update users set display_name = 'Otherwise' where id = $1`, [other]);
    await leaveCrowd([third]);

    const sync = await execute(plan);

    expect(sync).toMatchObject({ status: 'succeeded', total: 3, succeeded: 3 });
    expect((await itemOf(sync, one))?.reason).toBe('update profile, set nickname');
    expect((await itemOf(sync, other))?.reason).toMatch(/changed since the plan, which said: update profile/);
    expect((await itemOf(sync, third))?.reason).toMatch(/^delete \(changed since the plan/);
    expect(target.accounts.get(other)?.profile.displayName).toBe('Otherwise');
    expect(target.accounts.has(third)).toBe(false);
    await expect(execute(plan)).rejects.toMatchObject({ code: 'conflict' });
    await joinCrowd([third]);
    await run({ kind: 'accounts', scope: { userIds: [third] } });
  });

  test('waits for no sync and joins none', async () => {
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    await engine.db.query(`update users set display_name = 'Slow'`);
    target.script = () => opened;
    const real = await requestSync(engine.db, {
      serviceId: service.id,
      kind: 'groups',
      scope: {},
      actor: 'client:test',
    });
    await engine.flow.syncRequested(service.name, real.syncId);

    const plan = await run({ kind: 'groups', dryRun: true });
    expect(plan.id).not.toBe(real.syncId);
    expect(await readSync(engine.db, real.syncId)).toMatchObject({ finishedAt: null, dryRun: false });
    open();
    await finished(real.syncId);
  });
});

describe('the kinds of a sync', () => {
  test('accounts: makes what is missing and removes what has no right', async () => {
    const [leaver = ''] = people.slice(10);
    const newcomers = await insertMembers(engine, { prefix: 'newcomer', count: 2 });
    await joinCrowd(newcomers);
    await leaveCrowd([leaver]);
    // The newcomers' rows stand as an expansion makes them, and nobody has taken them up.
    await engine.db.query(
      `insert into accounts (service_id, user_id, username, wanted_version)
       select $1, id, username, nextval('version_seq') from users where id = any($2::uuid[])`,
      [service.id, newcomers],
    );

    const sync = await run({ kind: 'accounts' });

    expect(sync).toMatchObject({ status: 'succeeded', total: PEOPLE + 2, failed: 0 });
    for (const id of newcomers) expect(target.accounts.has(id)).toBe(true);
    expect(target.accounts.has(leaver)).toBe(false);
    expect(target.called('createAccount')).toBe(2);
    expect(target.called('deleteAccount')).toBe(1);
    await joinCrowd([leaver]);
    await run({ kind: 'accounts', scope: { userIds: [leaver] } });
  });

  test('validate: removes who has no right, and only them', async () => {
    const [leaver = ''] = people.slice(11);
    await leaveCrowd([leaver]);

    const sync = await run({ kind: 'validate' });

    expect(sync).toMatchObject({ status: 'succeeded', succeeded: 1, failed: 0 });
    expect(target.calls.filter(({ method }) => method !== 'findAccount')).toEqual([
      { method: 'deleteAccount', userId: leaver },
    ]);
    expect(await readAccount(engine.db, service.id, leaver)).toMatchObject({ status: 'removed' });
  });

  test('a list is done in its order, each account once', async () => {
    const listed = [people[9], people[2], people[9], people[20], people[2]].map((id) => id ?? '');
    await engine.db.query(`update users set display_name = 'In order'`);
    const sync = await run({ kind: 'nicknames', scope: { userIds: listed } });

    expect(sync).toMatchObject({ total: 3, succeeded: 3 });
    expect((await itemsOf(sync)).map((item) => item.userId)).toEqual([people[9], people[2], people[20]]);
    expect(target.called('setNickname')).toBe(3);
  });
});
