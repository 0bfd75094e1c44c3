import supertest from 'supertest';
import { beginSession, visitor } from '../../console/session';
import { operatorPages } from '../../console/operator/pages';
import { createUser } from '../../store/users';
import { ensureBuiltInStates } from '../../store/states';
import { createTestApi } from '../environment/api';
import { testToken } from '../environment/identity';
import type { TestApi } from '../environment/api';

let api: TestApi;
let url: string;

beforeAll(async () => {
  api = await createTestApi();
  url = await api.listen();
  await ensureBuiltInStates(api.context.db);
});
afterAll(() => api.close());

async function statusOf(
  key: string,
  page: { readonly method: 'get' | 'post'; readonly path: string },
): Promise<number> {
  const request = supertest(url)[page.method](page.path).set('Cookie', `muster=${key}`).set('Accept', 'text/html');
  if (page.method === 'get') return (await request).status;
  const form = { _form: visitor(key, undefined).formToken };
  return (await request.set('Sec-Fetch-Site', 'same-origin').type('form').send(form)).status;
}

test('a person reaches no operator page about their own account, token or operation', async () => {
  const { db, identity } = api.context;
  const written = await createUser(db, { username: 'ada', state: 'Member' }, { actor: 'client:test' });
  const { id } = written.record;
  const { tokenId, clientId } = await testToken(identity, { userId: id });
  const key = await beginSession(db, { tokenId, browser: 'test' });
  await db.query(`insert into services (id, name, connector) values (gen_random_uuid(), 'wiki', 'wiki')`);
  await db.query(`update operations set user_id = $1 where id = $2`, [id, written.change?.operationId]);
  const own: Readonly<Record<string, string>> = {
    user: id,
    name: 'wiki',
    client: clientId,
    tokenId,
    operationId: written.change?.operationId ?? '',
  };
  const filled = (path: string): string => path.replace(/\{(\w+)\}/g, (_all, name: string) => own[name] ?? id);

  const reached: string[] = [];
  for (const { method, path } of operatorPages) {
    const status = await statusOf(key, { method, path: filled(path) });
    if (status !== 403) reached.push(`${method} ${path} answered ${status}`);
  }

  expect(operatorPages.length).toBeGreaterThan(60);
  expect(reached).toEqual([]);
});

test('whoever runs one service sees that one, and nothing of the others', async () => {
  const { db, identity } = api.context;
  await db.query(`insert into services (id, name, connector) values (gen_random_uuid(), 'chat', 'chat')`);
  const { tokenId } = await testToken(identity, { acl: ['provisioning.services.chat.#'] });
  const key = await beginSession(db, { tokenId, browser: 'test' });

  const statuses = await Promise.all(
    ['', '/services/chat', '/services/chat/accounts', '/services/wiki', '/services/wiki/accounts', '/people'].map(
      (path) => statusOf(key, { method: 'get', path: `/operator${path}` }),
    ),
  );

  expect(statuses).toEqual([200, 200, 200, 403, 403, 403]);
  const overview = await supertest(url).get('/operator').set('Cookie', `muster=${key}`).expect(200);
  expect(overview.text).toContain('/operator/services/chat"');
  expect(overview.text).not.toContain('/operator/services/wiki"');
  const home = await supertest(url).get('/').set('Cookie', `muster=${key}`);
  expect(home.headers['location']).toBe('/operator');
});
