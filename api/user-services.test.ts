import { createTestApi } from '../test/environment/api';
import { ableConnector, bareConnector } from '../test/environment/fake-connector';
import { testToken } from '../test/environment/identity';
import { addAccount, addGrant, addService, addUser } from '../test/store/organisation';
import { ServiceHook } from '../sdk/index';
import { ensureBuiltInStates } from '../store/states';
import type { HookRouter } from '../sdk/index';
import type { TestApi } from '../test/environment/api';

class ShownHook extends ServiceHook {
  override async showServiceControl(): Promise<boolean> {
    if (this.name === 'broken') throw new Error('this hook is broken');
    return this.name !== 'hidden';
  }

  override routes(router: HookRouter): void {
    router.get('/hello/:who', async ({ params, user, query }) => ({
      status: 200,
      body: { hello: params['who'], by: user?.username, query },
    }));
    router.publicPost('/callback', async ({ body, user }) => ({
      status: 202,
      body: { got: body, anonymous: user === undefined },
    }));
    router.post('/call', async () => ({ status: 200, body: await router.call('act', { a: 1 }) }));
    router.get('/fail', async () => Promise.reject(new Error('inside the hook')));
  }
}

describe("a person's services", () => {
  let api: TestApi;
  let eve: string;
  let token: string;
  beforeAll(async () => {
    const connectors = [ableConnector((context) => new ShownHook(context)), bareConnector()];
    api = await createTestApi({ connectors });
    const { db } = api.context;
    await ensureBuiltInStates(db);
    eve = await addUser(db, { username: '<b>eve</b>', display_name: 'Eve' });
    const mail = await addService(db, { name: 'mail', title: 'Mail & "more"', url: 'javascript:alert(1)' });
    await addGrant(db, mail, { user_id: eve });
    await addAccount(db, { serviceId: mail, userId: eve }, { remote_name: '"><script>alert(1)</script>' });
    token = (await testToken(api.context.identity, { userId: eve })).token;
    await addService(db, { name: 'broken' });
    await addService(db, { name: 'hidden' });
    await addService(db, { name: 'off', enabled: false });
    await addService(db, { name: 'bare', connector: 'bare' });
  });
  afterAll(() => api.close());

  test('data shows only what the hooks show, with what can be done', async () => {
    const answer = await api.call('get', `/v1/users/${eve}/services`).expect(200);

    expect(answer.body.items).toEqual([
      {
        service: 'mail',
        title: 'Mail & "more"',
        url: 'javascript:alert(1)',
        entitled: true,
        account: { status: 'active', name: '"><script>alert(1)</script>' },
        urls: {
          activate: `/v1/users/${eve}/services/mail/activate`,
          deactivate: `/v1/users/${eve}/services/mail/deactivate`,
          resetPassword: `/v1/users/${eve}/services/mail/reset-password`,
          setPassword: `/v1/users/${eve}/services/mail/set-password`,
        },
      },
    ]);
    expect(api.logged()).toContain('hook failed to show its service');
  });

  test('rows are escaped table rows', async () => {
    const answer = await api.call('get', `/v1/users/${eve}/services`).set('Accept', 'text/html').expect(200);

    expect(answer.headers['content-type']).toContain('text/html');
    expect(answer.headers['vary']).toContain('Accept');
    expect(answer.text).toMatch(/^<tr>.*<\/tr>$/);
    expect(answer.text).toContain('Mail &amp; &quot;more&quot;');
    expect(answer.text).not.toMatch(/<script>|href="javascript:/);
  });

  test.each([['*/*'], ['application/json, text/html'], ['application/json']])('%s gets data', async (accept) => {
    const answer = await api.call('get', `/v1/users/${eve}/services`).set('Accept', accept).expect(200);

    expect(answer.headers['content-type']).toContain('application/json');
  });

  test('an account that waits for its person has no password, neither on the page nor by the API', async () => {
    const { db } = api.context;
    const key = await addService(db, { name: 'key' });
    const kim = await addUser(db, { username: 'kim' });
    await addGrant(db, key, { user_id: kim });
    await addAccount(db, { serviceId: key, userId: kim }, { status: 'pending' });

    const { body } = await api.call('get', `/v1/users/${kim}/services`).expect(200);
    const refused = await api.call('post', `/v1/users/${kim}/services/key/reset-password`).expect(409);

    const row = (body.items as { service: string; urls: object }[]).find(({ service }) => service === 'key');
    expect(Object.keys(row?.urls ?? {})).toEqual(['activate', 'deactivate']);
    expect(refused.body).toMatchObject({
      type: '/problems/conflict',
      detail: expect.stringContaining('waits for their own step'),
    });
  });

  test('the person gives a service up without a notice to themselves', async () => {
    const answer = await api.call('post', `/v1/users/${eve}/services/mail/deactivate`).expect(202);

    const { rows } = await api.context.db.query('select notify_user, choice from accounts where user_id = $1', [eve]);
    expect(answer.body.operation).toMatchObject({ kind: 'deleteAccount', service: 'mail' });
    expect(rows).toEqual([{ notify_user: false, choice: 'declined' }]);
  });

  test('a route of a hook needs a token and a person', async () => {
    const path = '/services/mail/hello/world?a=1';
    await api.anonymous('get', path).expect(401);
    await api.call('get', path).expect(403);

    const answer = await api.as(token, 'get', path).expect(200);

    expect(answer.body).toEqual({ hello: 'world', by: '<b>eve</b>', query: { a: '1' } });
  });

  test('a public route of a hook needs neither', async () => {
    const json = await api.anonymous('post', '/services/mail/callback').send({ a: 1 }).expect(202);
    const form = await api.anonymous('post', '/services/mail/callback').type('form').send({ b: '2' }).expect(202);

    expect(json.body).toEqual({ got: { a: 1 }, anonymous: true });
    expect(form.body).toEqual({ got: { b: '2' }, anonymous: true });
  });

  test('a hook can have its manager called', async () => {
    const answer = await api.as(token, 'post', '/services/mail/call').expect(200);

    expect(answer.body).toEqual({ service: 'mail', action: 'act' });
  });

  test('trouble inside a hook is a 500 without its text', async () => {
    const answer = await api.as(token, 'get', '/services/mail/fail').expect(500);

    expect(answer.body.type).toBe('/problems/internal');
    expect(answer.text).not.toContain('inside the hook');
    expect(api.logged()).toContain('inside the hook');
  });

  test.each([
    ['get', '/services/mail/callback', 405],
    ['get', '/services/mail/nothing', 404],
    ['get', '/services/none/hello/x', 404],
    ['post', '/services/mail/callback%', 400],
    ['get', '/services/mail/hello/%E0%A4%A', 400],
  ] as const)('%s %s is %d', async (method, path, status) => {
    await api.call(method, path).expect(status);
  });
});
