import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Client, Connection } from '@temporalio/client';
import { Misconfigured, Rejected, ServiceHook } from '../../sdk/index';
import type { HookContext, HookUser } from '../../sdk/index';
import { requestSync } from '../../store/syncs';
import { readService } from '../../store/services';
import { startTestEngine } from '../engine/engine';
import type { TestEngine } from '../engine/engine';
import { accountWhere, BY, eventually, grantMembers, settled } from '../engine/organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from '../engine/scripted-target';
import { createTestApi } from '../environment/api';
import type { TestApi } from '../environment/api';
import { createUser, deleteUser } from '../../store/users';
import { databaseDump, histories, leaksIn, processList } from './leaks';
import type { Canaries, Place } from './leaks';

const tag = Math.random().toString(36).slice(2, 10);

/** Must be nowhere: not in a history, a log, a row, an error, a command line. */
const SECRETS: Record<string, string> = {
  'chosen password': `Chosen-Pa55-${tag}-canary`,
  'superseded password': `Older-Pa55-${tag}-canary`,
  'service credential': `Cred-${tag}-canary-token`,
  'login password': `Login-Pa55-${tag}-canary`,
  'mistyped password': `Mistyped-Pa55-${tag}-canary`,
};
/** Belong to a person: may stand in the rows that say who they are and what their account looks like. */
const PERSONAL: Canaries = { email: `mail-${tag}-canary@example.org`, 'display name': `Display ${tag} Canary` };
const HOME = /^(users\.(email|display_name)|accounts\.applied_profile)$/;

/** Decides who has the right, and once tells everything it knows instead. */
class TellingHook extends ServiceHook {
  static tells: string | undefined;

  override async serviceActiveForUser(user: HookUser): Promise<boolean> {
    const text = TellingHook.tells;
    TellingHook.tells = undefined;
    if (text !== undefined) throw new Error(`${user.email} asked with ${text}`);
    return super.serviceActiveForUser(user);
  }
}

let engine: TestEngine;
let api: TestApi;
let password: { readonly chosen: string | undefined; readonly reset: string | undefined };
const argv = new Set<string>();
const target = new ScriptedTarget();

beforeAll(async () => {
  const hook = (context: HookContext): ServiceHook => new TellingHook(context);
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target, { hook })) });
  const { db, flow, registry, sealer } = engine;
  api = await createTestApi({ context: { db, flow, registry, sealer } });
  const watching = setInterval(() => void processList().then(([list]) => argv.add(list?.text ?? '')), 500);
  try {
    await live();
  } finally {
    clearInterval(watching);
  }
}, 180_000);
afterAll(async () => {
  await api.close();
  await engine.close();
});

/** The life of one account with everything that touches a secret, and everything that can go wrong with it. */
async function live(): Promise<void> {
  const token = SECRETS['service credential'] ?? '';
  const service = await engine.addService({ name: 'vault', connector: 'scripted', secrets: { token } });
  await grantMembers(engine, service.id);
  const fields = {
    username: 'canary',
    state: 'Member',
    displayName: PERSONAL['display name'] ?? '',
    email: PERSONAL['email'] ?? '',
  };
  const person = await createUser(engine.db, fields, BY);
  await settled(engine, person);
  const userId = person.record.id;
  const account = '/v1/services/vault/accounts/username:canary';

  await api
    .call('put', `${account}/password`)
    .set('Prefer', 'wait=20')
    .send({ password: SECRETS['superseded password'] });
  const chosen = await api
    .call('put', `${account}/password`)
    .set('Prefer', 'wait=20')
    .set('Idempotency-Key', `k-${tag}`)
    .send({ password: SECRETS['chosen password'] });
  expect(chosen.body).toMatchObject({ operation: { status: 'succeeded' } });
  password = { chosen: target.accounts.get(userId)?.password, reset: await reset(account) };
  SECRETS['generated password'] = password.reset ?? '';
  await logins();
  await troubles(service.id, userId, account);
  await engine.flow.callManager('vault', 'testConnection').catch(() => undefined);
  await requestSync(engine.db, { serviceId: service.id, kind: 'full', scope: {}, actor: 'client:test' });
  await engine.flow.syncRequested('vault');
  await eventually(
    'the sync has ended',
    async () => (await engine.db.query(`select from syncs where finished_at is null`)).rowCount === 0,
  );
}

/** A reset, claimed once; a second claim and the same request again show nothing. */
async function reset(account: string): Promise<string | undefined> {
  const operation = await api
    .call('post', `${account}/password/reset`)
    .set('Prefer', 'wait=20')
    .set('Idempotency-Key', `r-${tag}`)
    .send({});
  const claim = `/v1/operations/${(operation.body as { operation: { id: string } }).operation.id}/secret`;
  const first = await api.call('post', claim).set('Idempotency-Key', `c-${tag}`).send({});
  const again = await api.call('post', claim).set('Idempotency-Key', `c-${tag}`).send({});
  expect(first.status).toBe(200);
  expect(again.body).toMatchObject({ type: '/problems/secret-not-repeated' });
  return (first.body as { secret: string }).secret;
}

/** A client that logs in, mistypes, refreshes, and makes a token; all of these are secrets. */
async function logins(): Promise<void> {
  const username = `robot-${tag}`;
  const right = { username, password: SECRETS['login password'] };
  await api.call('post', '/v1/auth/clients/create').send(right).expect(201);
  const mistyped = { username, password: SECRETS['mistyped password'] };
  await api.anonymous('post', '/v1/auth').send(mistyped).expect(401);
  await api
    .anonymous('post', '/v1/auth')
    .send({ ...mistyped, extra: true })
    .expect(400);
  const session = await api
    .anonymous('post', '/v1/auth')
    .send({ ...right, token: { application: 'phone' } })
    .expect(200);
  const { token, refreshToken } = session.body as { readonly token: string; readonly refreshToken: string };
  const further = await api
    .as(token, 'post', '/v1/auth/tokens')
    .set('Idempotency-Key', `t-${tag}`)
    .send({})
    .expect(201);
  await api.as(token, 'delete', '/v1/users/me').expect(403);
  SECRETS['session token'] = token;
  SECRETS['refresh token'] = refreshToken;
  SECRETS['further token'] = (further.body as { readonly token: string }).token;
}

/** Errors that carry everything they should not. */
async function troubles(serviceId: string, userId: string, account: string): Promise<void> {
  const everything = [...Object.values(SECRETS), ...Object.values(PERSONAL)].join(' ');
  const failOnce = (method: string, error: Error): void => {
    let left = 1;
    target.script = (call) => (call.method === method && (left -= 1) >= 0 ? Promise.reject(error) : undefined);
  };
  failOnce('setPassword', new Error(`could not log in with ${everything}`));
  await api.call('put', `${account}/password`).set('Prefer', 'wait=20').send({ password: SECRETS['chosen password'] });
  await accountWhere(engine, { serviceId, userId }, (one) => !one.due && one.failures === 0);
  failOnce('setPassword', new Rejected('the password is too weak for the policy', { cause: new Error(everything) }));
  await api.call('put', `${account}/password`).set('Prefer', 'wait=20').send({ password: SECRETS['chosen password'] });
  failOnce('setPassword', new Misconfigured('the credentials were refused', { cause: new Error(everything) }));
  await api.call('put', `${account}/password`).send({ password: SECRETS['chosen password'] });
  await eventually('the service is paused', async () => (await readService(engine.db, 'vault')).pausedReason !== null);
  await engine.db.query(`update services set probe_at = clock_timestamp()`);
  await engine.flowDeps.starter.sweepNow();
  await accountWhere(engine, { serviceId, userId }, (one) => !one.due);
  TellingHook.tells = everything;
  await api.call('post', `${account}/validate`).set('Prefer', 'wait=20').send({});
  await accountWhere(engine, { serviceId, userId }, (one) => !one.due);
  expect(TellingHook.tells).toBeUndefined();
  // Bad requests with secrets in them are logged too.
  await api.call('put', `${account}/password`).send({ password: SECRETS['chosen password'], extra: true });
  await api
    .call('put', `${account}/password`)
    .set('content-type', 'application/json')
    .send(`{"password": "${SECRETS['chosen password']}`);
}

const logs = (): readonly Place[] => [
  { where: 'the log of the workers', text: engine.log.join('\n') },
  { where: 'the log of the API', text: api.logged() },
  { where: 'the process list', text: [...argv].join('\n') },
];

describe('a canary', () => {
  test('has really been where it should be used', () => {
    expect(password.chosen).toBe(SECRETS['chosen password']);
    expect(password.reset).toMatch(/.{12,}/);
    expect(SECRETS['further token']).toMatch(/^muster_/);
    expect(target.called('setPassword')).toBeGreaterThanOrEqual(6);
    expect(argv.size).toBeGreaterThan(0);
    expect(api.logged().length).toBeGreaterThan(100);
  });

  test('is in no history of any workflow', async () => {
    const all = await histories(engine);

    expect(all.length).toBeGreaterThan(5);
    expect(leaksIn(all, { ...SECRETS, ...PERSONAL })).toEqual([]);
  });

  test('is in no log line and no command line', () => {
    expect(leaksIn(logs(), { ...SECRETS, ...PERSONAL })).toEqual([]);
  });

  test('that is a secret is in no row of the database', async () => {
    expect(leaksIn(await databaseDump(engine.db), SECRETS)).toEqual([]);
  });

  test('that is personal stands only where the person does', async () => {
    const elsewhere = (await databaseDump(engine.db)).filter((place) => !HOME.test(place.where));

    expect(leaksIn(elsewhere, PERSONAL)).toEqual([]);
  });

  test('goes with its person: after the deletion nothing personal is left', async () => {
    const { rows } = await engine.db.query<{ id: string }>(`select id from users where username = 'canary'`);
    await settled(engine, await deleteUser(engine.db, rows[0]?.id ?? '', BY));

    expect(leaksIn(await databaseDump(engine.db), { ...SECRETS, ...PERSONAL })).toEqual([]);
  });
});

describe('the search finds a canary that was put', () => {
  const put = `leak-${tag}-canary`;
  const canary: Canaries = { put };

  test('into a history', async () => {
    const connection = await Connection.connect({ address: engine.temporalAddress });
    const client = new Client({ connection, namespace: engine.namespace });
    await client.workflow.start('sweep', { taskQueue: 'nobody', workflowId: 'leak', args: [{ deep: [put] }] });
    const found = await eventually('the workflow is listed', async () => {
      const leaks = leaksIn(await histories(engine), canary);
      return leaks.length > 0 ? leaks : undefined;
    });
    await connection.close();

    expect(found).toEqual(['put in history of sweep']);
  });

  test('into a row, plain, as bytes and as JSON', async () => {
    await engine.db.query(`update settings set value = jsonb_build_object('deep', $1::text)`, [put]);
    await engine.db.query(`update services set sealed_config = convert_to($1, 'UTF8'), paused_detail = $2`, [
      put,
      `a ${put} b`,
    ]);

    const found = leaksIn(await databaseDump(engine.db), canary);
    expect(found).toEqual(
      expect.arrayContaining([
        'put in services.paused_detail',
        'put in services.sealed_config',
        'put in settings.value',
      ]),
    );
  });

  test('into a log line, also wrapped in base64', () => {
    engine.flowDeps.log.info({ event: 'leak', text: Buffer.from(`user:${put}`).toString('base64') });

    expect(leaksIn(logs(), canary)).toEqual(['put in the log of the workers']);
  });

  test('into a command line', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()', put], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await once(child, 'spawn');
    const found = leaksIn(await processList(), canary);
    child.kill('SIGKILL');

    expect(found).toEqual(['put in the process list']);
  });
});
