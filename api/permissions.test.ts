import { createTestApi } from '../test/environment/api';
import { testToken } from '../test/environment/identity';
import { permissionOf } from './acl';
import { routes } from './routes/index';
import type { TestApi } from '../test/environment/api';
import type { Route } from './route';

const guarded = routes.filter((route) => !['public', 'authenticated'].includes(route.acl));
const titled = guarded.map((route): [string, Route] => [`${route.method.toUpperCase()} ${route.path}`, route]);

/** Something that fits each parameter of a path, and names nothing that exists. */
const VALUES: Readonly<Record<string, string>> = {
  name: 'no-such-service',
  user: '00000000-0000-7000-8000-000000000000',
  provider: 'elsewhere',
  role: 'some-role',
  application: 'some-app',
  changeId: '1',
  type: 'no-such-type',
};

function valueOf(key: string): string {
  return VALUES[key] ?? '00000000-0000-7000-8000-000000000000';
}

function filled(path: string): string {
  return path.replace(/\{(\w+)\}/g, (_all, key: string) => valueOf(key));
}

function permission(route: Route): string {
  const params = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, key = '']) => [key, valueOf(key)]);
  return permissionOf(route, Object.fromEntries(params) as Record<string, string>);
}

describe('every route asks for its permission', () => {
  let api: TestApi;
  let expired: string;
  beforeAll(async () => {
    api = await createTestApi();
    const made = await testToken(api.context.identity, { roles: ['admin'] });
    expired = made.token;
    await api.context.db.query(`update auth_tokens set expires_at = clock_timestamp() where id = $1`, [made.tokenId]);
  });
  afterAll(() => api.close());

  async function tokenFor(acl: readonly string[]): Promise<string> {
    return (await testToken(api.context.identity, { acl })).token;
  }

  async function statusOf(token: string, route: Route): Promise<string> {
    const answer = await api.as(token, route.method, filled(route.path)).send(route.method === 'get' ? undefined : {});
    const { type } = answer.body as { readonly type?: string };
    return `${answer.status} ${type ?? ''}`;
  }

  test.each(titled)(
    '%s: no token, a wrong one, an expired one, one without the right, the right one',
    async (_title, route) => {
      const without = await tokenFor(['#', `!${permission(route)}`]);
      const right = await tokenFor([permission(route)]);

      const missing = await api.anonymous(route.method, filled(route.path));
      expect(missing.status).toBe(401);
      expect(missing.headers['www-authenticate']).toBe('Bearer realm="muster"');
      expect(await statusOf('muster_of-nobody', route)).toBe('401 /problems/unauthenticated');
      expect(await statusOf(expired, route)).toBe('401 /problems/unauthenticated');
      expect(await statusOf(without, route)).toBe('403 /problems/forbidden');
      expect(await statusOf(right, route)).not.toMatch(/unauthenticated|forbidden/);
    },
  );

  test('the admin token may do everything, as ever', async () => {
    await api.call('get', '/v1/users').expect(200);
    await api.call('get', '/v1/auth').expect(200);
  });
});

describe('a person', () => {
  let api: TestApi;
  let ada: string;
  let bob: string;
  let token: string;
  beforeAll(async () => {
    api = await createTestApi();
    ada = await userOf('ada.l');
    bob = await userOf('bob');
    token = (await testToken(api.context.identity, { userId: ada })).token;
  });
  afterAll(() => api.close());

  async function userOf(username: string): Promise<string> {
    const made = await api
      .call('post', '/v1/users')
      .send({ username, externalId: `ext-${username}` })
      .expect(202);
    return (made.body as { readonly user: { readonly id: string } }).user.id;
  }

  test.each(['me', 'ME', 'id', 'username:ada.l', 'username:ADA.L', 'external:ext-ada.l'])(
    'sees their own things, called %s',
    async (name) => {
      const reference = name === 'id' ? ada : name;

      const answer = await api.as(token, 'get', `/v1/users/${reference}`).expect(200);

      expect(answer.body).toMatchObject({ id: ada });
      await api.as(token, 'get', `/v1/users/${reference}/services`).expect(200);
    },
  );

  test.each(['id', 'username:bob', 'external:ext-bob', 'username:ada_l', 'username:nobody'])(
    'sees nothing of others, and not whether they exist: %s',
    async (name) => {
      const reference = name === 'id' ? bob : name;

      const answer = await api.as(token, 'get', `/v1/users/${reference}`).expect(403);

      expect(answer.body.type).toBe('/problems/forbidden');
      await api.as(token, 'get', `/v1/users/${reference}/services`).expect(403);
      await api.as(token, 'put', `/v1/services/mail/accounts/${reference}`).send({}).expect(403);
    },
  );

  test('nobody is `me` with the admin token', async () => {
    const answer = await api.call('get', '/v1/users/me').expect(403);

    expect(answer.body.detail).toContain('`me`');
  });

  test('sees the operations about their own accounts, and no others', async () => {
    const { db } = api.context;
    const add = `insert into operations (id, kind, user_id, actor, status) values (gen_random_uuid(), 'createAccount', $1, 'client:test', 'running') returning id`;
    const own = await db.query<{ id: string }>(add, [ada]);
    const other = await db.query<{ id: string }>(add, [bob]);

    await api.as(token, 'get', `/v1/operations/${own.rows[0]?.id}`).expect(200);
    await api.as(token, 'get', `/v1/operations/${other.rows[0]?.id}`).expect(403);
    await api.as(token, 'get', '/v1/operations').expect(403);
    await api.as(token, 'post', `/v1/operations/${other.rows[0]?.id}/secret`).send({}).expect(403);
  });

  test('is not a person any more when they are not active', async () => {
    const eve = await userOf('eve');
    const made = await testToken(api.context.identity, { userId: eve });
    await api.as(made.token, 'get', '/v1/auth').expect(200);

    await api.call('patch', `/v1/users/${eve}`).send({ active: false }).expect(202);
    await api.as(made.token, 'get', '/v1/auth').expect(401);

    await api.call('patch', `/v1/users/${eve}`).send({ active: true }).expect(202);
    await api.as(made.token, 'get', '/v1/auth').expect(401);
  });

  test('has no login any more when they are deleted', async () => {
    const fay = await userOf('fay');
    const made = await testToken(api.context.identity, { userId: fay, roles: ['admin'] });

    await api.call('delete', `/v1/users/${fay}`).expect(202);

    await api.as(made.token, 'get', '/v1/auth').expect(401);
    const left = await api.context.db.query(`select from auth_clients where id = $1`, [made.clientId]);
    expect(left.rowCount).toBe(0);
  });
});
