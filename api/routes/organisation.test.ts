import { createTestApi } from '../../test/environment/api';
import { ensureBuiltInStates } from '../../store/states';
import type { TestApi } from '../../test/environment/api';

const NOBODY = '00000000-0000-4000-8000-000000000000';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
});

beforeEach(async () => {
  await api.context.db.query(
    `delete from imports;
     delete from operations;
     delete from changes;
     delete from grants;
     delete from accounts;
     delete from services;
     delete from users;
     delete from groups;
     delete from states`,
  );
  await ensureBuiltInStates(api.context.db);
  api.told.length = 0;
});

afterAll(() => api.close());

async function user(username: string, fields: object = {}): Promise<string> {
  const answer = await api
    .call('post', '/v1/users')
    .send({ username, ...fields })
    .expect(202);
  return answer.body.user.id as string;
}

async function group(name: string): Promise<string> {
  const answer = await api.call('post', '/v1/groups').send({ name }).expect(202);
  return answer.body.group.id as string;
}

test('a new person is answered with an operation that the flow was told of', async () => {
  const answer = await api
    .call('post', '/v1/users?reason=hired')
    .send({ username: 'ada', email: 'ada@example.org', state: 'Member' })
    .expect(202);

  expect(answer.body).toMatchObject({
    user: { username: 'ada', displayName: 'ada', state: 'Member' },
    operation: { kind: 'createUser', reason: 'hired' },
  });
  expect(answer.headers['location']).toBe(`/v1/operations/${answer.body.operation.id as string}`);
  expect(api.told).toEqual([`changed ${answer.body.operation.changeId as number}`]);
});

test('a person is found by id, username and external id, with groups', async () => {
  const id = await user('ada', { externalId: 'E/1 x' });
  await group('Crew');
  await api.call('put', `/v1/groups/name:Crew/members/username:ada`).expect(202);

  for (const reference of [id, 'username:ADA', `external:${encodeURIComponent('E/1 x')}`]) {
    const answer = await api.call('get', `/v1/users/${reference}`).expect(200);
    expect(answer.body).toMatchObject({ id, groups: [{ name: 'Crew' }] });
  }
  await api.call('get', '/v1/users/username:nobody').expect(404);
});

test('a change of nothing answers 200 and tells nobody', async () => {
  const id = await user('ada');
  api.told.length = 0;

  const answer = await api.call('patch', `/v1/users/${id}`).send({ username: 'ada' }).expect(200);

  expect(answer.body).not.toHaveProperty('operation');
  expect(api.told).toEqual([]);
});

test('people are listed by pages that lead to each other', async () => {
  for (const name of ['c', 'a', 'b', 'd']) await user(name, { active: name !== 'b' });

  const first = await api.call('get', '/v1/users?limit=3').expect(200);
  const second = await api.call('get', first.body.next as string).expect(200);
  const active = await api.call('get', '/v1/users?active=false&q=B').expect(200);

  expect([...first.body.items, ...second.body.items].map((item: { username: string }) => item.username)).toEqual([
    'a',
    'b',
    'c',
    'd',
  ]);
  expect(second.body).not.toHaveProperty('next');
  expect(active.body.items).toMatchObject([{ username: 'b' }]);
});

test.each([
  ['post', '/v1/users', { username: 'a\u0000' }, 422],
  ['post', '/v1/users', { username: 'x'.repeat(10_000) }, 422],
  ['post', '/v1/users', { username: 7 }, 422],
  ['post', '/v1/users', { username: 'a', salary: 1 }, 422],
  ['post', '/v1/users', { username: 'a', attributes: { k: { deep: 1 } } }, 422],
  ['post', '/v1/users', { username: 'a', attributes: { k: 'x\u0000y' } }, 422],
  ['post', '/v1/users', { username: 'a', state: "x'; drop table users; --" }, 422],
  ['patch', `/v1/users/${NOBODY}`, { email: null }, 404],
  ['delete', '/v1/users/username:%00', undefined, 400],
  ['put', `/v1/groups/${NOBODY}/members/${NOBODY}`, undefined, 404],
  ['put', '/v1/groups/x/members/y', undefined, 400],
  ['patch', '/v1/states/name:Blue', { name: 'Green' }, 409],
  ['post', '/v1/states', { name: 'x', priority: 1.5 }, 422],
  ['post', '/v1/states', { name: 'x', priority: 100 }, 409],
  ['delete', '/v1/states/name:Guest', undefined, 409],
  ['post', '/v1/grants', { service: 'nothing', state: 'name:Blue' }, 404],
  ['get', '/v1/grants?service=UPPER', undefined, 400],
  ['get', '/v1/changes/999', undefined, 404],
  ['get', '/v1/changes/x', undefined, 400],
  ['get', '/v1/users?cursor=eyJ9', undefined, 400],
] as const)('%s %s with bad input is a problem and changes nothing', async (...[method, path, body, status]) => {
  const request = api.call(method, path);
  const answer = await (body === undefined ? request : request.send(body));

  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(api.told).toEqual([]);
});

test('a taken name is a 409 that points at it', async () => {
  await user('ada');

  const answer = await api.call('post', '/v1/users').send({ username: 'ADA' }).expect(409);

  expect(answer.body).toMatchObject({ type: '/problems/already-exists', errors: [{ pointer: '/username' }] });
});

test('a group is made, renamed, listed, emptied and deleted', async () => {
  const id = await group('Crew "A"');
  await user('ada');

  await api.call('put', `/v1/groups/${id}/members/username:ada`).expect(202);
  const again = await api.call('put', `/v1/groups/${id}/members/username:ada`).expect(200);
  const members = await api.call('get', `/v1/groups/${id}/members`).expect(200);
  const renamed = await api.call('patch', `/v1/groups/${id}`).send({ name: 'Équipe' }).expect(202);
  await api.call('delete', `/v1/groups/${id}/members/username:ada`).expect(202);
  const gone = await api.call('delete', `/v1/groups/${id}/members/username:ada`).expect(200);
  await api.call('delete', `/v1/groups/name:${encodeURIComponent('équipe')}`).expect(202);

  expect(again.body).toEqual({ added: false });
  expect(members.body.items).toMatchObject([{ username: 'ada' }]);
  expect(renamed.body.group.name).toBe('Équipe');
  expect(gone.body).toEqual({ removed: false });
  expect((await api.call('get', '/v1/groups').expect(200)).body.items).toEqual([]);
});

test('states are shown with their groups and the built-in ones first', async () => {
  await group('Crew');
  const made = await api
    .call('post', '/v1/states')
    .send({ name: 'Officer', priority: 10, groups: ['name:Crew'] })
    .expect(202);
  await api.call('patch', '/v1/states/name:Officer').send({ priority: 11, public: true }).expect(202);

  const { body } = await api.call('get', '/v1/states').expect(200);

  expect(made.body.state).toMatchObject({ groups: ['Crew'], builtIn: false });
  expect(body.items.map((state: { name: string }) => state.name)).toEqual(['Member', 'Blue', 'Officer', 'Guest']);
  await api.call('delete', '/v1/states/name:Officer').expect(202);
});

test('a grant is given, found and taken away', async () => {
  await api.context.db.query(`insert into services (id, name, connector) values ($1, 'wiki', 'none')`, [NOBODY]);

  const given = await api.call('post', '/v1/grants').send({ service: 'wiki', state: 'name:Member' }).expect(202);
  await api.call('post', '/v1/grants').send({ service: 'wiki', state: 'name:Member' }).expect(200);
  const found = await api.call('get', '/v1/grants?service=wiki&state=name:Member').expect(200);
  await api.call('delete', `/v1/grants/${given.body.grant.id as string}`).expect(202);
  await api.call('post', '/v1/grants').send({ service: 'wiki' }).expect(422);

  expect(found.body.items).toMatchObject([
    { service: 'wiki', subject: { kind: 'state', name: 'Member' }, createdBy: 'client:admin' },
  ]);
});

test('a change is shown with how far it has come', async () => {
  await user('ada');
  const { body } = await api.call('get', '/v1/changes?kind=people').expect(200);

  const one = await api.call('get', `/v1/changes/${body.items[0].id as number}`).expect(200);

  expect(one.body).toMatchObject({
    kind: 'people',
    operation: 'createUser',
    users: 1,
    status: 'running',
    progress: { accounts: 0 },
  });
});

describe('imports', () => {
  const importText = (text: string, type = 'application/json', query = '') =>
    api.call('post', `/v1/imports${query}`).set('Content-Type', type).send(text);

  test('a roster is imported, and again answers that nothing changed', async () => {
    const csv = 'externalId,username,state,groups\n1,ada,Member,"Engine ""A"";b"\n2,bob,,\n';

    const first = await importText(csv, 'text/csv').expect(202);
    const again = await importText(csv, 'text/csv').expect(200);
    const listed = await api.call('get', '/v1/imports').expect(200);

    expect(first.body).toMatchObject({
      operation: { kind: 'import', detail: { mode: 'replace', created: 2 } },
      difference: { created: { count: 2, names: ['ada', 'bob'] }, membershipsAdded: { count: 2 } },
    });
    expect(again.body).toMatchObject({ importId: null, difference: { unchanged: 2 } });
    expect(listed.body.items).toMatchObject([{ id: first.body.importId, mode: 'replace', actor: 'client:admin' }]);
    expect(api.told).toEqual([`changed ${first.body.operation.changeId as number}`]);
  });

  test('YAML and a dry run answer the difference and alter nothing', async () => {
    const dry = await importText('users:\n  - username: ada\n', 'application/yaml', '?dryRun=true').expect(200);

    expect(dry.body).toMatchObject({ dryRun: true, difference: { created: { names: ['ada'] } } });
    expect((await api.call('get', '/v1/users').expect(200)).body.items).toEqual([]);
  });

  test('every bad line of 150 is named and nothing is changed', async () => {
    const lines = Array.from({ length: 300 }, (_unused, index) =>
      JSON.stringify({ username: `u${index}`, ...(index % 2 === 0 ? { state: 'No' } : {}) }),
    );

    const answer = await importText(lines.join('\n'), 'application/x-ndjson').expect(422);

    expect(answer.body.type).toBe('/problems/invalid-roster');
    expect(answer.body.errors).toHaveLength(150);
    expect(answer.body.errors[149]).toEqual({ pointer: 'line 299', detail: 'users[298].state: "No" is not a state' });
    expect((await api.call('get', '/v1/users').expect(200)).body.items).toEqual([]);
  });

  test('an empty roster, another type and unknown modes are refused', async () => {
    await importText('{"users": []}').expect(409);
    await importText('', 'text/csv').expect(422);
    await importText('users', 'text/plain').expect(415);
    await importText('{"users": []}', 'application/json', '?mode=all').expect(400);
    await importText('{"users": []}', 'application/json', '?mode=merge').expect(200);
  });
});
