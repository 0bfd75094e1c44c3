import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createTestApi } from '../test/environment/api';
import { ableConnector } from '../test/environment/fake-connector';
import { addGrant, addService, addUser } from '../test/store/organisation';
import { claimKey, removeOldKeys } from '../store/idempotency';
import { ADMIN } from '../auth/principal';
import { ensureBuiltInStates } from '../store/states';
import { runOnce } from './idempotency';
import { route } from './route';
import type { OnceInput } from './idempotency';
import type { TestApi } from '../test/environment/api';
import type { Test } from 'supertest';

describe('the Idempotency-Key', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await createTestApi({ connectors: [ableConnector()] });
    const { db } = api.context;
    await ensureBuiltInStates(db);
    await addGrant(db, await addService(db, { name: 'mail' }), { user_id: await addUser(db, { username: 'ada' }) });
  });
  afterAll(() => api.close());

  const activate = (key: string, body: object = {}): Test =>
    api.call('put', '/v1/services/mail/accounts/username:ada').set('Idempotency-Key', key).send(body);
  const reset = (key: string): Test =>
    api.call('post', '/v1/services/mail/accounts/username:ada/password/reset').set('Idempotency-Key', key);
  const operations = async (): Promise<number> => {
    const { rows } = await api.context.db.query<{ count: number }>('select count(*) from operations');
    return rows[0]?.count ?? 0;
  };

  test('the same request twice starts one operation and answers the same', async () => {
    const first = await activate('same', { reason: 'x' }).expect(202);
    const before = await operations();
    const second = await activate('same', { reason: 'x' }).expect(202);

    expect(second.headers['location']).toBe(first.headers['location']);
    expect(second.body).toEqual(first.body);
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect(await operations()).toBe(before);
  });

  test('another request with the same key is a 422', async () => {
    await activate('other', { reason: 'x' }).expect(202);

    const answer = await activate('other', { reason: 'y' }).expect(422);

    expect(answer.body.type).toBe('/problems/idempotency-mismatch');
  });

  test('ten at once start one operation; the others wait their turn', async () => {
    const before = await operations();

    const answers = await Promise.all(Array.from({ length: 10 }, () => activate('race')));

    expect(await operations()).toBe(before + 1);
    expect(answers.filter((answer) => answer.status === 202).length).toBeGreaterThanOrEqual(1);
    expect(
      answers.every((answer) => answer.status === 202 || answer.body.type === '/problems/idempotency-in-progress'),
    ).toBe(true);
  });

  test("a refusal by the caller's fault is an answer as well", async () => {
    const path = '/v1/services/mail/accounts/username:nobody';
    await api.call('put', path).set('Idempotency-Key', 'refused').expect(404);

    const second = await api.call('put', path).set('Idempotency-Key', 'refused').expect(404);

    expect(second.headers['idempotency-replayed']).toBe('true');
    expect(second.body.detail).toBe('There is no user username:nobody.');
  });

  test('a claimed secret is not repeated and not kept', async () => {
    const started = await reset('for-the-secret').expect(202);
    const { id } = started.body.operation;
    await api.context.db.query(
      `update password_requests set status = 'applied', applied_at = clock_timestamp() where operation_id = $1`,
      [id],
    );
    const claim = (): Test => api.call('post', `/v1/operations/${id as string}/secret`).set('Idempotency-Key', 'claim');

    const first = await claim().expect(200);
    const second = await claim().expect(409);

    const kept = await api.context.db.query('select * from idempotency_keys');
    expect(second.body.type).toBe('/problems/secret-not-repeated');
    expect(JSON.stringify(kept.rows)).not.toContain(first.body.secret);
  });

  test('the kept hash of a password request cannot be guessed', async () => {
    const password = 'easily-guessed-password';
    const path = '/v1/services/mail/accounts/username:ada/password';
    await api.call('put', path).set('Idempotency-Key', 'chosen').send({ password }).expect(202);

    const { rows } = await api.context.db.query<{ request_hash: string }>(
      `select request_hash from idempotency_keys where key = 'chosen'`,
    );
    expect(rows[0]?.request_hash).toBe(
      api.context.sealer.fingerprint(
        JSON.stringify(['PUT', path, createDigest(JSON.stringify({ password }))]),
        'idempotency',
      ),
    );
  });

  test('a streamed roster is compared by its content', async () => {
    const send = (csv: string): Test =>
      api
        .call('post', '/v1/imports?mode=merge')
        .set('Idempotency-Key', 'roster')
        .set('Content-Type', 'text/csv')
        .send(csv);

    const first = await send('externalId,username\n7,gus\n').expect(202);
    const second = await send('externalId,username\n7,gus\n').expect(202);
    const third = await send('externalId,username\n8,hal\n').expect(422);

    expect(second.body).toEqual(first.body);
    expect(third.body.type).toBe('/problems/idempotency-mismatch');
  });

  test.each([['with blank'], ['x'.repeat(256)], ['']])('the key %j is refused', async (key) => {
    const answer = await activate(key).expect(400);

    expect(answer.body.type).toBe('/problems/invalid-idempotency-key');
  });

  test('a key of a process that died is taken over after 30 seconds', async () => {
    const request = { principal: 'client:test', key: 'dead', requestHash: 'h' };
    await claimKey(api.context.db, request);
    const early = await claimKey(api.context.db, request);
    await api.context.db.query(
      `update idempotency_keys set created_at = created_at - interval '31 seconds' where key = 'dead'`,
    );
    const late = await claimKey(api.context.db, request);

    expect(early.outcome).toBe('in progress');
    expect(late.outcome).toBe('claimed');
  });

  test('keys are forgotten after a day', async () => {
    await activate('old').expect(202);
    await api.context.db.query(
      `update idempotency_keys set created_at = created_at - interval '25 hours' where key = 'old'`,
    );

    expect(await removeOldKeys(api.context.db)).toBe(1);
  });

  test('the key is free again after a failure on our side', async () => {
    const key = 'free-again';
    const run = async (): Promise<never> => Promise.reject(new Error('inside'));
    const input = failingInput(api, key);

    await expect(runOnce(input, run)).rejects.toThrow('inside');

    await expect(runOnce(input, async () => ({ status: 202 }))).resolves.toEqual({ status: 202 });
  });
});

function createDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function failingInput(api: TestApi, key: string): OnceInput {
  const answer = { status: 202 };
  return {
    route: route({
      method: 'post',
      path: '/v1/test',
      acl: 'test.run',
      summary: 'A route of this test',
      tags: ['test'],
      responses: { 202: { description: 'done' } },
      handler: async () => answer,
    }),
    request: {
      params: {},
      query: {},
      body: undefined,
      principal: ADMIN,
      address: '',
      context: api.context,
      url: '/v1/test',
      headers: { 'idempotency-key': key },
      waitMs: undefined,
      signal: new AbortController().signal,
      stream: Readable.from([]),
      contentType: '',
    },
    method: 'POST',
    bytes: Buffer.alloc(0),
  };
}
