import type { ConnectorRegistry } from '../../hooks/registry';
import { Rejected, Unavailable } from '../../sdk/index';
import { waitFor } from '../../runtime/wait-for';
import { readAccount } from '../../store/accounts';
import { resumeService } from '../../store/engine-services';
import { listNotifications } from '../../store/notifications';
import { readOperation } from '../../store/operations';
import { drainService, settleDrains } from '../../store/pauses';
import { readService } from '../../store/services';
import type { ServiceRecord } from '../../store/services';
import { createUser } from '../../store/users';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { accountWhere, allQuiet, BY, ended, eventually, grantMembers } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

const other = new ScriptedTarget();
const connectors = new Map([['other', scriptedConnector(other, { kind: 'other' })]]);
let target: ScriptedTarget;
let engine: TestEngine;
let service: ServiceRecord;
let people = 0;

beforeAll(async () => {
  const registry: ConnectorRegistry = { ...registryOf(), get: (kind) => connectors.get(kind) };
  engine = await startTestEngine({ registry, callTimeoutMs: 1_000 });
  const well = await engine.addService({ name: 'well', connector: 'other' });
  await grantMembers(engine, well.id);
});
afterAll(() => engine.close());

async function addService(name: string): Promise<void> {
  target = new ScriptedTarget();
  connectors.set(name, scriptedConnector(target, { kind: name }));
  await engine.db.query(`update services set enabled = false where name <> 'well'`);
  await engine.db.query(`delete from users`);
  service = await engine.addService({ name, connector: name, breaker: { failures: 4, accounts: 3, rejections: 6 } });
  await grantMembers(engine, service.id);
}

async function begin(count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let made = 0; made < count; made += 1) {
    const name = `person-${(people += 1)}`;
    const { record, change } = await createUser(engine.db, { username: name, state: 'Member' }, BY);
    ids.push(record.id);
    await engine.flow.changed(change?.changeId ?? 0);
  }
  return ids;
}

const pausedReason = async (): Promise<string | null> => (await readService(engine.db, service.name)).pausedReason;

/** Makes the next probe due and asks for a sweep, as the passing of time would. */
async function probeNow(): Promise<void> {
  await engine.db.query(`update services set probe_at = clock_timestamp() where id = $1`, [service.id]);
  await engine.flowDeps.starter.sweepNow();
}

/** Probes until one has found the service well: one that was under way may still have seen it broken. */
async function breakerCloses(): Promise<void> {
  for (let probes = 0; probes < 20; probes += 1) {
    await probeNow();
    if ((await waitFor(2_000, async () => ((await pausedReason()) === null ? true : undefined))) === true) return;
  }
  throw new Error('the breaker did not close');
}

async function operatorsHeard(): Promise<number> {
  const heard = await listNotifications(engine.db, { userId: null, limit: 200 });
  return heard.filter((one) => `${one.title} ${one.text}`.includes(service.name)).length;
}

const away = (): void => {
  target.script = (call) =>
    call.method === 'createAccount' ? Promise.reject(new Unavailable('503 from the far side')) : undefined;
};

describe('a service that is away for account after account', () => {
  let ids: readonly string[];

  test('is paused with its reason, and operators hear of it once', async () => {
    await addService('down');
    away();
    ids = await begin(6);

    await eventually('the breaker opens', async () => (await pausedReason()) === 'unavailable');
    expect(await operatorsHeard()).toBe(1);
    expect((await readService(engine.db, 'down')).pausedDetail).toBe('503 from the far side');
  });

  test('is left alone meanwhile, and nobody loses patience', async () => {
    await eventually('nobody is at it', nobodyWrites);
    const calls = target.calls.length;
    const before = await engine.db.query(`select failures from accounts where service_id = $1 order by user_id`, [
      service.id,
    ]);
    const [late] = await begin(1);
    await accountWhere(engine, { serviceId: await wellId(), userId: late ?? '' }, ({ status }) => status === 'active');
    await engine.flowDeps.starter.sweepNow();

    expect(target.calls.length).toBe(calls);
    const account = await readAccount(engine.db, service.id, late ?? '');
    expect(account).toMatchObject({ due: true, failures: 0, attention: null });
    const after = await engine.db.query(
      `select failures from accounts where service_id = $1 and user_id <> $2 order by user_id`,
      [service.id, late],
    );
    expect(after.rows).toEqual(before.rows);
  });

  test('stays paused when its connection is well but its accounts are not', async () => {
    const calls = target.called('createAccount');
    await probeNow();

    await eventually('one account was tried', async () => target.called('createAccount') > calls);
    await eventually('the next probe is further away', async () => (await probeWaitsSeconds()) > 15);
    expect(await pausedReason()).toBe('unavailable');
    expect(target.called('testConnection')).toBeGreaterThanOrEqual(1);
    expect(await operatorsHeard()).toBe(1);
  });

  test('goes on by itself, at once and for everybody, when it is well', async () => {
    target.script = () => undefined;
    await breakerCloses();
    await allQuiet(engine, service.id);
    expect(ids.every((id) => target.accounts.has(id))).toBe(true);
    expect(await operatorsHeard()).toBe(1);
  });
});

describe('a service that is not broken', () => {
  test('stays open when one account alone fails again and again', async () => {
    await addService('one-bad');
    const [bad] = await begin(1);
    await accountWhere(engine, { serviceId: service.id, userId: bad ?? '' }, ({ due }) => !due);
    target.script = (call) => (call.userId === bad ? Promise.reject(new Unavailable('its data breaks it')) : undefined);
    for (let tries = 1; tries <= 6; tries += 1) await tryAgain(bad ?? '', tries);

    expect(await pausedReason()).toBeNull();
  });

  test('stays open when successes stand between the failures', async () => {
    await addService('mixed');
    let calls = 0;
    target.script = (call) => {
      if (call.method !== 'createAccount') return undefined;
      calls += 1;
      return calls % 3 === 0 ? undefined : Promise.reject(new Unavailable('now and then'));
    };
    for (let round = 0; round < 10; round += 1) {
      const [id] = await begin(1);
      await eventually('it was tried', async () => target.called('createAccount', id ?? '') > 0);
    }
    target.script = () => undefined;
    await allQuiet(engine, service.id);

    expect(await pausedReason()).toBeNull();
    expect(await operatorsHeard()).toBe(0);
  });
});

describe('a service that refuses everybody', () => {
  test('is paused, and tries those it refused again when it is well', async () => {
    await addService('refusing');
    target.script = (call) =>
      call.method === 'createAccount' ? Promise.reject(new Rejected('the domain is not verified')) : undefined;
    const ids = await begin(8);
    await eventually('the breaker opens', async () => (await pausedReason()) === 'too many failures');

    target.script = () => undefined;
    await breakerCloses();
    await allQuiet(engine, service.id);
    expect(ids.every((id) => target.accounts.has(id))).toBe(true);
  });
});

describe('a service that an operator drains', () => {
  test('finishes what runs, takes nothing new, and tells when it is empty', async () => {
    await addService('drained');
    let finish = (): void => undefined;
    const gate = new Promise<undefined>((resolve) => {
      finish = () => resolve(undefined);
    });
    target.script = (call) => (call.method === 'createAccount' ? gate : undefined);
    const [first] = await begin(1);
    await eventually('a call is under way', async () => target.running === 1);
    const by = { serviceId: service.id, actor: 'client:test', reason: 'moving it' };
    const operationId = await drainService(engine.db, by);
    const [late] = await begin(1);
    await engine.db.query(`update operations set created_at = created_at - interval '1 minute' where id = $1`, [
      operationId,
    ]);
    await settleDrains(engine.db);
    expect(await readOperation(engine.db, operationId)).toMatchObject({ status: 'running' });

    finish();
    await accountWhere(engine, { serviceId: service.id, userId: first ?? '' }, ({ status }) => status === 'active');
    await eventually('nobody is at it', nobodyWrites);
    await engine.flowDeps.starter.sweepNow();
    expect(await ended(engine, operationId)).toMatchObject({ status: 'succeeded' });
    expect(target.called('createAccount', late ?? '')).toBe(0);
    expect(await readService(engine.db, 'drained')).toMatchObject({
      pausedReason: 'operator',
      pausedBy: 'client:test',
      pausedDetail: 'client:test: moving it',
    });

    await resumeService(engine.db, service.id, { actor: 'client:test' });
    await engine.flowDeps.starter.sweepNow();
    await accountWhere(engine, { serviceId: service.id, userId: late ?? '' }, ({ status }) => status === 'active');
  });
});

/** Makes the account due and waits until it has failed so often. */
async function tryAgain(userId: string, failures: number): Promise<void> {
  await engine.db.query(
    `update accounts set wanted_version = nextval('version_seq'), next_try = null, applied_profile = null where service_id = $1 and user_id = $2`,
    [service.id, userId],
  );
  await engine.flow.accountDue(service.id, userId);
  await accountWhere(engine, { serviceId: service.id, userId }, (account) => account.failures >= failures);
}

async function nobodyWrites(): Promise<boolean> {
  const found = await engine.db.query(
    `select from accounts where service_id = $1 and lease_holder is not null limit 1`,
    [service.id],
  );
  return found.rowCount === 0 && target.running === 0;
}

async function wellId(): Promise<string> {
  return (await readService(engine.db, 'well')).id;
}

async function probeWaitsSeconds(): Promise<number> {
  const found = await engine.db.query<{ waits: number }>(
    `select extract(epoch from probe_at - clock_timestamp())::integer as waits from services where id = $1`,
    [service.id],
  );
  return found.rows[0]?.waits ?? 0;
}
