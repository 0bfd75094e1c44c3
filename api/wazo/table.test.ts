import { createTestApi } from '../../test/environment/api';
import type { TestApi } from '../../test/environment/api';
import { testToken } from '../../test/environment/identity';
import { permissionOf } from '../acl';
import { WAZO_PREFIX, WIRE_ROUTES } from './table';
import type { WireRoute } from './table';

const USER = '00000000-0000-7000-8000-000000000000';
const VALUES: Readonly<Record<string, string>> = { user: USER, type: 'no-such-type', application: 'some-app' };

const titledWith = (isWanted: (route: WireRoute) => boolean) =>
  WIRE_ROUTES.filter(isWanted).map((route): [string, WireRoute] => [
    `${route.method.toUpperCase()} ${route.path}`,
    route,
  ]);
const closed = titledWith(({ acl }) => acl !== 'public');
const guarded = titledWith(({ acl }) => acl.includes('.'));

describe('the routes of wazo-auth', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await createTestApi();
  });
  afterAll(() => api.close());

  async function statusOf(route: WireRoute, token?: string): Promise<number> {
    const path = route.path.replace(/\{(\w+)\}/g, (_all, key: string) => VALUES[key] ?? '');
    const asked = api.anonymous(route.method, WAZO_PREFIX + path);
    if (token !== undefined) void asked.set('X-Auth-Token', token);
    return (await asked.send(route.method === 'get' ? undefined : {})).status;
  }

  async function tokenFor(acl: readonly string[]): Promise<string> {
    return (await testToken(api.context.identity, { acl })).token;
  }

  test.each(closed)('%s answers 401 without a token and with one of nobody', async (_title, route) => {
    expect(await statusOf(route)).toBe(401);
    expect(await statusOf(route, 'muster_of-nobody')).toBe(401);
  });

  test.each(guarded)(
    '%s: everything but its permission is not enough, its permission alone is',
    async (_title, route) => {
      const permission = permissionOf(route, VALUES);

      expect(await statusOf(route, await tokenFor(['#', `!${permission}`]))).toBe(401);
      expect(await statusOf(route, await tokenFor([permission]))).not.toBe(401);
    },
  );
});
