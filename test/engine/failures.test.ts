import type { ConnectorRegistry } from '../../hooks/registry';
import { Conflict, Misconfigured, Rejected, Throttled, Unavailable } from '../../sdk/index';
import type { AnyServiceError } from '../../sdk/index';
import { requestAccount } from '../../store/account-requests';
import { readAccount } from '../../store/accounts';
import type { Account } from '../../store/accounts';
import { engineServiceByName, pauseService } from '../../store/engine-services';
import { listNotifications } from '../../store/notifications';
import { readOperation, waitForOperation } from '../../store/operations';
import { readService } from '../../store/services';
import type { ServiceRecord, ServiceSettings } from '../../store/services';
import { createUser, updateUser } from '../../store/users';
import type { Written } from '../../store/users';
import type { UserRecord } from '../../store/users';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { accountWhere, addMember, allQuiet, BY, ended, eventually, grantMembers, settled } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';
import type { Script, TargetCall } from './scripted-target';

/** Short, so that a call that never answers is given up soon. */
const CALL_TIMEOUT_MS = 1_500;

const other = new ScriptedTarget();
const connectors = new Map([['other', scriptedConnector(other, { kind: 'other' })]]);
let target: ScriptedTarget;
let engine: TestEngine;
let service: ServiceRecord;
let people = 0;

beforeAll(async () => {
  const registry: ConnectorRegistry = { ...registryOf(), get: (kind) => connectors.get(kind) };
  engine = await startTestEngine({ registry, callTimeoutMs: CALL_TIMEOUT_MS });
  const well = await engine.addService({ name: 'well', connector: 'other' });
  await grantMembers(engine, well.id);
});
afterAll(() => engine.close());

/** A service with a far side of its own, and nobody who has a right to it yet. */
async function addService(name: string, settings: Partial<ServiceSettings> = {}): Promise<ServiceRecord> {
  target = new ScriptedTarget();
  connectors.set(name, scriptedConnector(target, { kind: name }));
  await engine.db.query(`update services set enabled = false where name <> 'well'`);
  await engine.db.query(`delete from users`);
  const added = await engine.addService({ ...settings, name, connector: name });
  await grantMembers(engine, added.id);
  return added;
}

const username = (): string => `person-${(people += 1)}`;

/** Adds a person and sends the change, without waiting. */
async function begin(name = username()): Promise<Written<UserRecord>> {
  const written = await createUser(engine.db, { username: name, state: 'Member' }, BY);
  await engine.flow.changed(written.change?.changeId ?? 0);
  return written;
}

const where = (userId: string, look: (account: Account) => boolean): Promise<Account> =>
  accountWhere(engine, { serviceId: service.id, userId }, look);

/** The first `times` calls of a method fail. */
function failing(method: string, times: number, error: () => AnyServiceError | Error): Script {
  let left = times;
  return (call: TargetCall) => {
    if (call.method !== method || left === 0) return undefined;
    left -= 1;
    return Promise.reject(error());
  };
}

async function operatorsHeard(word: string): Promise<number> {
  const heard = await listNotifications(engine.db, { userId: null, limit: 200 });
  return heard.filter((one) => `${one.title} ${one.text}`.includes(word)).length;
}

describe('a service that asks to wait', () => {
  test('is left alone by everybody until then, and nobody has failed', async () => {
    service = await addService('busy');
    let openAt = 0;
    let early = 0;
    target.script = async (call) => {
      if (call.method !== 'createAccount') return undefined;
      if (openAt === 0) openAt = performance.now() + 1_500;
      if (performance.now() > openAt - 20) return undefined;
      early += 1;
      throw new Throttled('not so fast', { retryAfterMs: 1_500 });
    };
    const first = await begin();
    const closed = async () => ((await engineServiceByName(engine.db, 'busy'))?.blockedMs ?? 0) > 0;
    await eventually('the service is closed', closed);
    const second = await begin();

    const healed = await where(second.record.id, (account) => account.status === 'active');
    expect(performance.now()).toBeGreaterThan(openAt - 20);
    expect(early).toBe(1);
    expect(healed).toMatchObject({ failures: 0, attention: null, lastError: null });
    expect(await where(first.record.id, (account) => account.status === 'active')).toMatchObject({ failures: 0 });
  });

  test('stops no other service', async () => {
    service = await addService('busier');
    target.script = failing('createAccount', 1, () => new Throttled('later', { retryAfterMs: 60_000 }));
    const { record } = await begin();

    await eventually('the other service has the account', async () => other.accounts.has(record.id));
    expect(target.accounts.has(record.id)).toBe(false);
  });
});

describe('a service that is away', () => {
  test('is tried again with growing pauses until it is back', async () => {
    service = await addService('away');
    target.script = failing('createAccount', 2, () => new Unavailable('502'));
    const { record, change } = await begin();
    const waiting = await where(record.id, (account) => account.failures === 1);
    expect(waiting).toMatchObject({
      attention: 'waiting',
      due: true,
      lastError: { kind: 'unavailable', message: '502' },
    });

    const healed = await where(record.id, (account) => account.status === 'active' && !account.due);
    expect(healed).toMatchObject({ failures: 0, attention: null, lastError: null });
    expect(await ended(engine, change?.operationId ?? '')).toMatchObject({ status: 'succeeded' });
  });

  test('and did it all the same has one account, found by our key', async () => {
    service = await addService('lost-answer');
    let lost = false;
    target.script = (call) => {
      if (call.method !== 'createAccount' || lost) return undefined;
      lost = true;
      return new Promise((_resolve, reject) => {
        // The far side does it, and the answer is lost.
        setImmediate(() => {
          target.accounts.set(call.userId ?? '', {
            remoteId: `made ${call.userId}`,
            key: { userId: call.userId ?? '', owner: 'test' },
            profile: { name: call.name ?? '', nickname: '', displayName: '', email: null, attributes: {} },
            enabled: true,
            groups: [],
            password: undefined,
          });
          reject(new Unavailable('connection reset'));
        });
      });
    };
    const { record } = await begin();

    const account = await where(record.id, (one) => one.status === 'active' && !one.due);
    expect(account.remoteId).toBe(`made ${record.id}`);
    expect(account.intent).toBeNull();
    expect(target.called('createAccount', record.id)).toBe(1);
    expect(target.called('findAccount', record.id)).toBeGreaterThanOrEqual(1);
  });

  test('and never answers is given up at the deadline', async () => {
    service = await addService('silent');
    let silent = true;
    target.script = (call) => {
      if (call.method !== 'createAccount' || !silent) return undefined;
      silent = false;
      return new Promise(() => undefined);
    };
    const { record } = await begin();

    const waiting = await where(record.id, (account) => account.failures > 0);
    expect(waiting.lastError).toMatchObject({ kind: 'unavailable', code: 'timeout' });
    await where(record.id, (account) => account.status === 'active');
  });

  test('with an error nobody knows shows none of its text', async () => {
    service = await addService('strange');
    target.script = failing('createAccount', 1, () => new Error('token=hunter2 was refused'));
    const { record } = await begin();

    const waiting = await where(record.id, (account) => account.failures > 0);
    expect(JSON.stringify(waiting)).not.toContain('hunter2');
    expect(engine.log.join('\n')).not.toContain('hunter2');
  });
});

describe('an account that cannot be as asked', () => {
  test('is left until something about it changes', async () => {
    service = await addService('picky');
    target.script = (call) =>
      call.method === 'createAccount' ? Promise.reject(new Rejected('names must rhyme')) : undefined;
    const { record, change } = await begin();
    const rejected = await where(record.id, (account) => account.attention === 'rejected');
    expect(rejected).toMatchObject({ nextTry: 'never', lastError: { kind: 'rejected', message: 'names must rhyme' } });
    expect(await ended(engine, change?.operationId ?? '')).toMatchObject({ status: 'failed' });
    expect(await operatorsHeard('names must rhyme')).toBe(1);

    const calls = target.called('createAccount', record.id);
    const witness = await begin();
    await where(witness.record.id, (account) => account.attention === 'rejected');
    expect(target.called('createAccount', record.id)).toBe(calls);

    target.script = () => undefined;
    await settled(engine, await updateUser(engine.db, record.id, { fields: { displayName: 'Rhyme Time' }, by: BY }));
    expect(await where(record.id, (account) => account.status === 'active')).toMatchObject({
      attention: null,
      lastError: null,
    });
  });

  test('whose name a stranger has takes the next name', async () => {
    service = await addService('crowded');
    const taken = username();
    target.script = (call) =>
      call.method === 'createAccount' && call.name === taken
        ? Promise.reject(new Conflict('that name is taken'))
        : undefined;
    const { record } = await begin(taken);

    expect(await where(record.id, (one) => one.status === 'active' && !one.due)).toMatchObject({
      remoteName: `${taken}-2`,
      failures: 0,
    });
    expect(target.byName(taken)).toBeUndefined();
  });

  test('for which every name is taken is given up with a reason', async () => {
    service = await addService('full');
    target.script = (call) => (call.method === 'createAccount' ? Promise.reject(new Conflict('taken')) : undefined);
    const { record } = await begin();

    const account = await where(record.id, (one) => one.attention === 'rejected');
    expect(account.lastError).toMatchObject({ kind: 'rejected', code: 'names-taken' });
    expect(target.called('createAccount', record.id)).toBe(20);
  });
});

describe('wrong credentials', () => {
  beforeAll(async () => {
    service = await addService('locked');
  });

  test('pause the service once, and operators hear of it once', async () => {
    target.script = (call) =>
      call.method === 'createAccount' ? Promise.reject(new Misconfigured('the token is revoked')) : undefined;
    const persons = [await begin(), await begin(), await begin()];
    await eventually(
      'the service is paused',
      async () => (await readService(engine.db, 'locked')).pausedReason === 'credentials',
    );

    await eventually('nobody is at work any more', async () => {
      const leased = await engine.db.query(`select from accounts where lease_holder is not null limit 1`);
      return leased.rowCount === 0;
    });
    const calls = target.called('createAccount');
    const late = await begin();
    await eventually('the other service went on', async () => other.accounts.has(late.record.id));
    expect(target.called('createAccount')).toBe(calls);
    expect(await operatorsHeard('the token is revoked')).toBe(1);
    const account = await readAccount(engine.db, service.id, persons[0]?.record.id ?? '');
    expect(account).toMatchObject({ due: true, failures: 0 });
  });

  test('are probed, with growing pauses while nothing has changed', async () => {
    target.script = (call) => {
      const bad = { ok: false, missing: ['The token is revoked.'] };
      return call.method === 'testConnection' ? Promise.resolve(bad) : undefined;
    };
    await engine.db.query(`update services set probe_at = clock_timestamp() where name = 'locked'`);
    await engine.flowDeps.starter.sweepNow();
    await eventually('it was probed', async () => target.called('testConnection') === 1);

    const paused = await engine.db.query<{ waits: number; paused_reason: string }>(
      `select paused_reason, extract(epoch from probe_at - clock_timestamp())::integer as waits from services where name = 'locked'`,
    );
    expect(paused.rows[0]?.paused_reason).toBe('credentials');
    expect(paused.rows[0]?.waits).toBeGreaterThanOrEqual(25);
  });

  test('that are well again let everything go on by itself', async () => {
    target.script = () => undefined;
    await engine.db.query(`update services set probe_at = clock_timestamp() where name = 'locked'`);
    await engine.flowDeps.starter.sweepNow();

    await eventually('it goes on', async () => (await readService(engine.db, 'locked')).pausedReason === null);
    await allQuiet(engine, service.id);
    expect(await operatorsHeard('the token is revoked')).toBe(1);
  });

  test("never end an operator's own pause", async () => {
    await pauseService(engine.db, service.id, { reason: 'operator', detail: 'maintenance', probeMs: 0 });
    target.reset();
    const { record } = await begin();
    await engine.flowDeps.starter.sweepNow();
    await eventually('the other service went on', async () => other.accounts.has(record.id));

    expect((await readService(engine.db, 'locked')).pausedReason).toBe('operator');
    expect(target.calls).toEqual([]);
  });
});

describe('an account that vanished at the far side', () => {
  test('is made anew where the policy says so', async () => {
    service = await addService('anew');
    const ada = await addMember(engine, username());
    target.accounts.clear();

    await settled(engine, await updateUser(engine.db, ada, { fields: { displayName: 'Back' }, by: BY }));

    expect(await where(ada, (account) => account.status === 'active' && !account.due)).toMatchObject({ failures: 0 });
    expect(target.accounts.get(ada)?.profile.displayName).toBe('Back');
  });

  test('is let go where the policy says so, and the person hears of it', async () => {
    service = await addService('let-go', { onGone: 'drop' });
    const bob = await addMember(engine, username());
    target.accounts.clear();
    target.reset();

    await settled(engine, await updateUser(engine.db, bob, { fields: { displayName: 'Gone' }, by: BY }));
    expect(await where(bob, (account) => account.status === 'removed')).toMatchObject({ due: false });

    await settled(engine, await updateUser(engine.db, bob, { fields: { displayName: 'Still gone' }, by: BY }));
    expect(target.called('createAccount', bob)).toBe(0);
    const told = await listNotifications(engine.db, { userId: bob, limit: 10 });
    expect(told).toMatchObject([{ title: 'Your let-go account is not there any more' }]);
  });
});

describe('an account that needs a person', () => {
  test('says what they must do, and goes on when asked again', async () => {
    service = await addService('invited');
    let accepted = false;
    const invited = { outcome: 'action required', instruction: 'Open the link in your mail.' };
    target.script = (call) => (call.method === 'createAccount' && !accepted ? Promise.resolve(invited) : undefined);
    const { record, change } = await begin();
    const pending = await where(record.id, (account) => account.attention === 'action required');
    expect(pending).toMatchObject({ status: 'pending', instruction: 'Open the link in your mail.' });
    expect(Number(pending.nextTry)).toBeGreaterThan(Date.now() + 86_400_000);
    expect(await readOperation(engine.db, change?.operationId ?? '')).toMatchObject({ status: 'waiting' });

    accepted = true;
    const retry = await requestAccount(engine.db, {
      serviceId: service.id,
      userId: record.id,
      kind: 'retry',
      actor: 'client:test',
    });
    await engine.flow.accountDue(service.id, record.id);

    expect(await waitForOperation(engine.db, retry.operationId, { timeoutMs: 20_000 })).toMatchObject({
      status: 'succeeded',
    });
    expect(await where(record.id, (account) => account.status === 'active')).toMatchObject({
      instruction: null,
      attention: null,
    });
  });

  test('that is only being created is looked at again when the service said', async () => {
    service = await addService('slow');
    let looks = 0;
    target.script = (call) => {
      if (call.method !== 'createAccount' || looks > 0) return undefined;
      looks += 1;
      return Promise.resolve({ outcome: 'in progress', checkAfterMs: 300 });
    };
    const { record } = await begin();

    expect(await where(record.id, (account) => account.status === 'active' && !account.due)).toMatchObject({
      failures: 0,
    });
  });
});

describe('a writer that lost its lease', () => {
  test('records nothing, and the account is read back before the next write', async () => {
    service = await addService('contested');
    const cyd = await addMember(engine, username());
    target.reset();
    let stolen = false;
    target.script = async (call) => {
      if (call.method !== 'updateAccount' || stolen) return undefined;
      stolen = true;
      await engine.db.query(
        `update accounts set lease_holder = 'somebody else', lease_fence = nextval('fence_seq'), lease_until = clock_timestamp() + interval '300 milliseconds'
         where service_id = $1 and user_id = $2`,
        [service.id, cyd],
      );
      return undefined;
    };

    await engine.flow.changed(
      (await updateUser(engine.db, cyd, { fields: { displayName: 'Twice' }, by: BY })).change?.changeId ?? 0,
    );

    const account = await where(cyd, (one) => !one.due && !one.verify);
    expect(account).toMatchObject({ status: 'active', lastError: null });
    expect(target.called('findAccount', cyd)).toBeGreaterThanOrEqual(1);
    expect(target.accounts.get(cyd)?.profile.displayName).toBe('Twice');
  });
});
