import { Client, Connection } from '@temporalio/client';
import { SCHEDULES } from '../../workflows/contracts';
import { readAccount } from '../../store/accounts';
import { addMembers, createGroup } from '../../store/groups';
import { readOperation } from '../../store/operations';
import { requestAccount } from '../../store/account-requests';
import type { ServiceRecord } from '../../store/services';
import { listSyncs, readSync, requestSync } from '../../store/syncs';
import { createUser, updateUser } from '../../store/users';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { accountWhere, addMember, allQuiet, BY, eventually, grantMembers, insertMembers } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

const target = new ScriptedTarget();
let engine: TestEngine;
let service: ServiceRecord;

beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target)) });
  service = await engine.addService({ name: 'swept', connector: 'scripted' });
  await grantMembers(engine, service.id);
});
beforeEach(() => target.reset());
afterAll(() => engine.close());

const sweepNow = (): Promise<void> => engine.flowDeps.starter.sweepNow();

/** Does something while the schedule's own sweep is paused: what happens then, the asked sweep did. */
async function withoutSchedule<T>(work: () => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: engine.temporalAddress });
  const schedule = new Client({ connection, namespace: engine.namespace }).schedule.getHandle(SCHEDULES.sweep);
  try {
    await schedule.pause('a test looks at what nobody finds');
    await eventually(
      'the running sweep has ended',
      async () => (await schedule.describe()).info.runningActions.length === 0,
    );
    return await work();
  } finally {
    await schedule.unpause();
    await connection.close();
  }
}

describe('work that nobody was told of', () => {
  test('an account that became due without a message is found', async () => {
    const ada = await addMember(engine, 'ada');
    await engine.db.query(
      `update accounts set wanted_version = nextval('version_seq'), due_reasons = array['updateProfile'], applied_profile = null where user_id = $1`,
      [ada],
    );
    target.reset();

    await sweepNow();

    await allQuiet(engine, service.id);
    expect(target.called('updateAccount', ada)).toBe(1);
  });

  test('a change that was committed and never expanded is found', async () => {
    const bob = await createUser(engine.db, { username: 'bob', state: 'Member' }, BY);
    expect(await readAccount(engine.db, service.id, bob.record.id)).toBeUndefined();

    await sweepNow();

    await accountWhere(
      engine,
      { serviceId: service.id, userId: bob.record.id },
      (account) => account.status === 'active',
    );
    expect(target.byName('bob')).toBeDefined();
    const operation = await eventually('the operation has ended', async () => {
      const found = await readOperation(engine.db, bob.change?.operationId ?? '');
      return found?.status === 'succeeded' ? found : undefined;
    });
    expect(operation.progress).toMatchObject({ accounts: 1, done: 1 });
  });

  test('the schedule finds it too, without anybody asking', async () => {
    const cyd = await createUser(engine.db, { username: 'cyd', state: 'Member' }, BY);

    const account = await accountWhere(
      engine,
      { serviceId: service.id, userId: cyd.record.id },
      (one) => one.status === 'active' && !one.due,
    );
    expect(account).toMatchObject({ remoteName: 'cyd' });
  });

  test('a large change is expanded and becomes one bulk run', async () => {
    const people = await insertMembers(engine, { prefix: 'many', count: 60 });
    const group = await createGroup(engine.db, 'many', BY);
    await addMembers(engine.db, { groupId: group.record.id, userIds: people, by: BY });

    await sweepNow();

    await eventually('everybody has an account', async () => people.every((id) => target.accounts.has(id)));
    await allQuiet(engine, service.id);
    const syncs = await listSyncs(engine.db, { serviceId: service.id, limit: 10 });
    expect(syncs.filter((sync) => sync.kind === 'due' && sync.total === 60)).toHaveLength(1);
  });

  test('a remote group that was left undone is made before its members', async () => {
    const dan = await addMember(engine, 'dan');
    const pilots = await createGroup(engine.db, 'pilots', BY);
    await addMembers(engine.db, { groupId: pilots.record.id, userIds: [dan], by: BY });
    target.reset();

    await sweepNow();

    await eventually('dan is a pilot', async () => target.accounts.get(dan)?.groups.includes('pilots'));
    const methods = target.calls.map((call) => call.method);
    expect(methods.indexOf('ensureGroup')).toBeLessThan(methods.indexOf('setGroups'));
  });

  test('a queued sync that nobody began is begun', async () => {
    const { syncId } = await requestSync(engine.db, {
      serviceId: service.id,
      kind: 'full',
      scope: {},
      actor: 'client:test',
    });

    await sweepNow();

    await eventually('the sync has ended', async () => (await readSync(engine.db, syncId))?.finishedAt);
    expect(await readSync(engine.db, syncId)).toMatchObject({ status: 'succeeded', failed: 0 });
  });

  test('a password that was wanted a day ago and never set has failed', async () => {
    const eve = await addMember(engine, 'eve');
    target.script = (call) => (call.method === 'setPassword' ? Promise.reject(new Error('away')) : undefined);
    const password = { sealed: Buffer.from('sealed'), generated: true };
    const { operationId } = await requestAccount(engine.db, {
      serviceId: service.id,
      userId: eve,
      kind: 'resetPassword',
      actor: 'client:test',
      password,
    });
    await engine.db.query(
      `update password_requests set created_at = clock_timestamp() - interval '25 hours' where operation_id = $1`,
      [operationId],
    );

    await sweepNow();

    await eventually(
      'the operation has failed',
      async () => (await readOperation(engine.db, operationId))?.status === 'failed',
    );
    const left = await engine.db.query(`select status, sealed from password_requests where operation_id = $1`, [
      operationId,
    ]);
    expect(left.rows).toEqual([{ status: 'failed', sealed: null }]);
  });
});

describe('control', () => {
  test('without a sweep nothing finds it', async () => {
    const fay = await addMember(engine, 'fay');
    await withoutSchedule(async () => {
      await updateUser(engine.db, fay, { fields: { displayName: 'Nobody was told' }, by: BY });
      const due = (await readAccount(engine.db, service.id, fay))?.due;
      const other = await addMember(engine, 'witness');

      // A person who came later is long done; fay's change still waits.
      expect(target.accounts.has(other)).toBe(true);
      expect(due).toBe(false);
      expect(target.accounts.get(fay)?.profile.displayName).toBe('fay');

      await sweepNow();
      await eventually(
        'the sweep has found it',
        async () => target.accounts.get(fay)?.profile.displayName === 'Nobody was told',
      );
    });
  });

  test('an account that waits for its next try is left alone', async () => {
    const gil = await addMember(engine, 'gil');
    await engine.db.query(
      `update accounts set wanted_version = nextval('version_seq'), applied_profile = null, attention = 'waiting',
         next_try = clock_timestamp() + interval '1 hour' where user_id = $1`,
      [gil],
    );
    target.reset();
    const witness = await createUser(engine.db, { username: 'later-witness', state: 'Member' }, BY);

    await sweepNow();
    await accountWhere(
      engine,
      { serviceId: service.id, userId: witness.record.id },
      (account) => account.status === 'active',
    );

    expect(target.called('updateAccount', gil)).toBe(0);
  });

  test('two sweeps at once send nobody twice', async () => {
    const hal = await createUser(engine.db, { username: 'hal', state: 'Member' }, BY);

    await Promise.all([sweepNow(), sweepNow(), sweepNow()]);

    await accountWhere(
      engine,
      { serviceId: service.id, userId: hal.record.id },
      (account) => account.status === 'active',
    );
    expect(target.called('createAccount', hal.record.id)).toBe(1);
  });
});
