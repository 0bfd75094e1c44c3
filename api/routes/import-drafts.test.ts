import { ensureBuiltInStates } from '../../store/states';
import { createTestApi } from '../../test/environment/api';
import type { TestApi } from '../../test/environment/api';

const ROSTER = JSON.stringify({ users: [{ username: 'ada', groups: ['Deck'] }, { username: 'bob' }] });

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
  await ensureBuiltInStates(api.context.db);
});
afterAll(() => api.close());

const upload = (body: string, query = '') =>
  api.call('post', `/v1/imports/drafts${query}`).set('Content-Type', 'application/json').send(body);
const people = async (): Promise<readonly string[]> => {
  const { rows } = await api.context.db.query<{ username: string }>('select username from users order by username');
  return rows.map((row) => row.username);
};

test('a draft says what would change, changes nothing, and is applied once', async () => {
  const { body: draft, headers } = await upload(ROSTER).expect(201);
  expect(draft).toMatchObject({ mode: 'replace', bytes: ROSTER.length, difference: { created: { count: 2 } } });
  expect(headers['location']).toBe(`/v1/imports/drafts/${draft.id}`);
  expect(await people()).toEqual([]);
  await api.call('get', draft.links.self).expect(200, draft);

  const { body } = await api.call('post', draft.links.apply).expect(202);

  expect(body).toMatchObject({ dryRun: false, difference: { created: { names: ['ada', 'bob'] } } });
  expect(await people()).toEqual(['ada', 'bob']);
  await api.call('post', draft.links.apply).expect(404);
});

test('a draft with bad lines is refused whole, and nothing of it is kept', async () => {
  await upload('{"users":[{"username":"ada"},{"username":"ADA"}]}').expect(422);

  const { rows } = await api.context.db.query('select from import_drafts union all select from import_draft_chunks');
  expect(rows).toHaveLength(0);
});

test('a draft is gone after a day, or when it is discarded', async () => {
  const { body: old } = await upload(ROSTER, '?mode=merge').expect(201);
  await api.context.db.query(`update import_drafts set created_at = created_at - interval '25 hours'`);
  const { body: fresh } = await upload(ROSTER, '?mode=merge').expect(201);

  await api.call('get', old.links.self).expect(404);
  await api.call('delete', fresh.links.self).expect(204);
  await api.call('delete', fresh.links.self).expect(404);
});

test("a person's accounts are listed with what is the matter with them", async () => {
  await api.context.db.query(
    `insert into services (id, name, connector) values (gen_random_uuid(), 'wiki', 'wiki');
     insert into accounts (service_id, user_id, username, status, wanted_version, attention)
       select s.id, u.id, u.username, 'pending', 1, 'rejected' from services s, users u where u.username = 'ada'`,
  );

  const { body } = await api.call('get', '/v1/users/username:ada/accounts').expect(200);

  expect(body.items).toMatchObject([{ service: 'wiki', status: 'pending', attention: 'rejected' }]);
});

test('operations are found by who asked, and the trail by what was done', async () => {
  const { body: own } = await api.call('get', '/v1/operations?actor=client:admin').expect(200);
  const { body: nobody } = await api.call('get', '/v1/operations?actor=client:eve').expect(200);
  const { body: trail } = await api.call('get', '/v1/audit?q=drafts').expect(200);

  expect(own.items.length).toBeGreaterThan(0);
  expect(nobody.items).toEqual([]);
  expect(trail.items.length).toBeGreaterThan(0);
  expect((await api.call('get', '/v1/audit?q=nothing%25').expect(200)).body.items).toEqual([]);
});
