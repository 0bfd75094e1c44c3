import { createTestApi } from '../test/environment/api';
import { ableConnector, bareConnector } from '../test/environment/fake-connector';
import { addAccount, addGrant, addService, addUser } from '../test/store/organisation';
import { passwordPurpose } from '../config/service-secrets';
import { ensureBuiltInStates } from '../store/states';
import type { TestApi } from '../test/environment/api';

const CANARY = 'Canary-chosen-by-ada-1';

describe('accounts over the API', () => {
  let api: TestApi;
  let mail: string;
  let ada: string;
  let ben: string;
  beforeAll(async () => {
    api = await createTestApi({ connectors: [ableConnector(), bareConnector()] });
    const { db } = api.context;
    await ensureBuiltInStates(db);
    mail = await addService(db, { name: 'mail' });
    await addService(db, { name: 'bare', connector: 'bare' });
    ada = await addUser(db, { username: 'ada', external_id: '42' });
    ben = await addUser(db, { username: 'ben' });
    await addGrant(db, mail, { user_id: ada });
  });
  afterAll(() => api.close());
  beforeEach(() => {
    api.told.length = 0;
  });

  const account = (user: string, rest = ''): string => `/v1/services/mail/accounts/${user}${rest}`;
  const settle = async (operationId: string): Promise<void> => {
    await api.context.db.query(
      `update operations set status = 'succeeded', outcome = 'done', finished_at = now() where id = $1`,
      [operationId],
    );
  };

  test.each([['username:ada'], ['username:ADA'], ['external:42']])(
    'PUT by %s starts a creation and answers 202',
    async (user) => {
      const answer = await api.call('put', account(user)).send({ reason: 'new colleague' }).expect(202);

      const { operation } = answer.body;
      expect(answer.headers['location']).toBe(`/v1/operations/${operation.id}`);
      expect(operation).toMatchObject({
        kind: 'createAccount',
        status: 'running',
        service: 'mail',
        actor: 'client:admin',
        reason: 'new colleague',
      });
      expect(operation.user).toEqual({ id: ada, username: 'ada' });
      expect(operation.links.temporal).toBe(
        `http://temporal.test/namespaces/default/workflows/account%2Fmail%2F${ada}`,
      );
      expect(api.told).toEqual([`accountDue ${mail} ${ada}`]);
    },
  );

  test('PUT for somebody without the right is a 403 that names it', async () => {
    const answer = await api.call('put', account(ben)).expect(403);

    expect(answer.body).toMatchObject({ type: '/problems/not-entitled', detail: 'ben has no right to mail.' });
    expect(api.told).toEqual([]);
  });

  test.each([
    ['put', '/v1/services/bare/accounts/username:ada', undefined],
    ['post', '/v1/services/bare/accounts/username:ada/password/reset', undefined],
    ['post', '/v1/services/bare/test', undefined],
    ['post', '/v1/services/bare/actions', { action: 'updateGroups', users: ['username:ada'] }],
  ] as const)('%s %s of a service that cannot do it is a 501', async (method, path, body) => {
    const answer = await api.call(method, path).send(body).expect(501);

    expect(answer.body.type).toBe('/problems/not-supported');
  });

  test.each([
    ['/v1/services/no-such/accounts/username:ada', 'There is no service no-such.'],
    ['/v1/services/mail/accounts/username:nobody', 'There is no user username:nobody.'],
    [
      '/v1/services/mail/accounts/00000000-0000-7000-8000-000000000000',
      'There is no user 00000000-0000-7000-8000-000000000000.',
    ],
  ])('PUT %s is a 404', async (path, detail) => {
    const answer = await api.call('put', path).expect(404);

    expect(answer.body.detail).toBe(detail);
  });

  test('Prefer: wait answers 200 with the outcome when the operation ends in time', async () => {
    const started = await api.call('put', account(ada)).expect(202);
    const waiting = api.call('get', started.headers['location'] ?? '').set('Prefer', 'wait=10');

    const [answer] = await Promise.all([waiting.expect(200), settle(started.body.operation.id as string)]);

    expect(answer.headers['preference-applied']).toBe('wait=10');
    expect(answer.body.operation).toMatchObject({ status: 'succeeded', outcome: 'done' });
  });

  test('Prefer: wait answers 202 when the time is up', async () => {
    const answer = await api.call('put', account(ada)).set('Prefer', 'respond-async, wait=1').expect(202);

    expect(answer.headers['preference-applied']).toBe('wait=1');
    expect(answer.body.operation.status).toBe('running');
  });

  test('a wait ends early when the process is told to stop', async () => {
    const draining = new AbortController();
    const stopping = await createTestApi({ connectors: [ableConnector()], context: { draining: draining.signal } });
    await ensureBuiltInStates(stopping.context.db);
    await addGrant(stopping.context.db, await addService(stopping.context.db, { name: 'mail' }), {
      user_id: await addUser(stopping.context.db, { username: 'ada' }),
    });

    const waiting = stopping
      .call('put', '/v1/services/mail/accounts/username:ada')
      .set('Prefer', 'wait=60')
      .expect(202);
    draining.abort();

    expect((await waiting).body.operation.status).toBe('running');
    await stopping.close();
  });

  test('GET explains the account, its right and its operations', async () => {
    const answer = await api.call('get', account(ada)).expect(200);

    expect(answer.body).toMatchObject({
      service: 'mail',
      wanted: true,
      user: { username: 'ada', active: true, gone: false },
    });
    expect(answer.body.grants).toMatchObject([{ kind: 'user', subject: 'ada', grantedBy: 'client:test' }]);
    expect(answer.body.account).toMatchObject({ status: 'none', due: true });
    expect(answer.body.operations.length).toBeGreaterThan(0);
    expect(answer.body.actions).toContain('resetPassword');
  });

  test('GET explains why there is no account', async () => {
    const answer = await api.call('get', account('username:ben')).expect(200);

    expect(answer.body).toMatchObject({ wanted: false, account: null, why: 'No: no grant gives the right to mail.' });
  });

  test('an account whose person is gone can still be explained by id and name', async () => {
    const { db } = api.context;
    const carol = await addUser(db, { username: 'carol' });
    await addAccount(db, { serviceId: mail, userId: carol }, { username: 'carol' });
    await db.query('delete from users where id = $1', [carol]);

    const byName = await api.call('get', account('username:carol')).expect(200);
    const byId = await api.call('get', account(carol)).expect(200);

    expect(byName.body.user).toMatchObject({ id: carol, gone: true });
    expect(byId.body.account).toMatchObject({ status: 'active' });
  });

  test('DELETE of nothing succeeds at once', async () => {
    const answer = await api
      .call('delete', `${account(ben)}?reason=tidy&notifyUser=false`)
      .set('Prefer', 'wait=5')
      .expect(200);

    expect(answer.body.operation).toMatchObject({
      kind: 'deleteAccount',
      status: 'succeeded',
      outcome: 'nothing there',
      reason: 'tidy',
    });
    expect(api.told).toEqual([]);
  });

  test('a chosen password is sealed and stands nowhere else', async () => {
    const answer = await api.call('put', account(ada, '/password')).send({ password: CANARY }).expect(202);

    const { rows } = await api.context.db.query<{ sealed: Buffer }>(
      'select sealed from password_requests where operation_id = $1',
      [answer.body.operation.id],
    );
    const row = rows[0];
    expect(api.context.sealer.open(row?.sealed ?? Buffer.alloc(0), passwordPurpose(mail, ada))).toBe(CANARY);
    expect(JSON.stringify(answer.body)).not.toContain(CANARY);
    expect(api.logged()).not.toContain(CANARY);
  });

  test('a generated password is shown once, after it was applied', async () => {
    const started = await api.call('post', account(ada, '/password/reset')).expect(202);
    const { id } = started.body.operation;
    const claim = (): ReturnType<TestApi['call']> => api.call('post', `/v1/operations/${id as string}/secret`);

    const early = await claim().expect(409);
    await api.context.db.query(
      `update password_requests set status = 'applied', applied_at = clock_timestamp() where operation_id = $1`,
      [id],
    );
    const first = await claim().expect(200);
    const second = await claim().expect(410);

    expect(early.body.type).toBe('/problems/secret-not-ready');
    expect(first.body.secret).toMatch(/^\S{16,}$/);
    expect(first.headers['cache-control']).toBe('no-store');
    expect(second.body.type).toBe('/problems/secret-gone');
    expect(api.logged()).not.toContain(first.body.secret);
  });

  test('accounts are listed by username, page by page', async () => {
    const { db } = api.context;
    for (const username of ['pa', 'pb', 'pc']) {
      await addAccount(
        db,
        { serviceId: mail, userId: await addUser(db, { username: `${username}-person` }) },
        { username, status: 'disabled' },
      );
    }

    const first = await api.call('get', '/v1/services/mail/accounts?status=disabled&limit=2').expect(200);
    const second = await api.call('get', first.body.next).expect(200);

    const names = [...first.body.items, ...second.body.items].map(
      (item: { user: { username: string } }) => item.user.username,
    );
    expect(names).toEqual(['pa', 'pb', 'pc']);
    expect(second.body.cursor).toBeUndefined();
  });

  test('operations are listed newest first and by filter', async () => {
    const all = await api.call('get', '/v1/operations?service=mail&user=username:ada').expect(200);
    const resets = await api.call('get', '/v1/operations?kind=resetPassword').expect(200);

    const times = all.body.items.map((item: { createdAt: string }) => Date.parse(item.createdAt)) as number[];
    expect(times).toEqual([...times].sort((earlier, later) => later - earlier));
    expect(resets.body.items).toHaveLength(1);
  });
});
