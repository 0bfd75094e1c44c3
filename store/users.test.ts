import { createTestDatabase } from '../test/environment/database';
import type { TestDatabase } from '../test/environment/database';
import { openDatabase } from './database';
import type { Database } from './database';
import { ensureBuiltInStates } from './states';
import { listUsers } from './user-list';
import { createUser, deleteUser, readUser, resolveUser, updateUser } from './users';
import type { UserFields } from './users';

const BY = { actor: 'client:test', reason: 'because' };

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase({ migrated: true });
  db = openDatabase({ url: database.url, max: 5 });
  await ensureBuiltInStates(db);
});

beforeEach(async () => {
  await db.query('delete from operations; delete from changes; delete from users; delete from groups');
});

afterAll(async () => {
  await db.close();
  await database.drop();
});

async function lastChange(): Promise<unknown> {
  const rows = await db.query(
    `select c.kind, c.subject, c.reasons, c.actor, c.reason, o.kind as operation, o.username,
       array(select user_id::text from change_users where change_id = c.id) as users
     from changes c join operations o on o.id = c.operation_id order by c.id desc limit 1`,
  );
  return rows.rows[0];
}

test('a new person is recorded with one change about them', async () => {
  const { record, change } = await createUser(
    db,
    { username: ' Ada ', state: 'member', attributes: { 'a"b': "it's" } },
    BY,
  );

  expect(record).toMatchObject({
    username: 'Ada',
    displayName: 'Ada',
    active: true,
    sourceState: 'Member',
    state: 'Member',
    attributes: { 'a"b': "it's" },
  });
  expect(change?.changeId).toBeGreaterThan(0);
  expect(await lastChange()).toEqual({
    kind: 'people',
    subject: { userId: record.id },
    reasons: ['createAccount', 'updateGroups'],
    actor: 'client:test',
    reason: 'because',
    operation: 'createUser',
    username: 'Ada',
    users: [record.id],
  });
});

test.each<[string, UserFields, readonly string[]]>([
  ['profile', { displayName: 'Countess', email: 'ada@x' }, ['updateProfile', 'syncNickname']],
  ['rename', { username: 'ada.lovelace' }, ['updateProfile', 'syncNickname']],
  ['deactivation', { active: false }, ['validateUser', 'updateGroups']],
  ['state', { state: 'Blue' }, ['validateUser', 'createAccount', 'updateGroups']],
])('a change of %s has its reasons', async (_what, fields, reasons) => {
  const { record } = await createUser(db, { username: 'ada', state: 'Member' }, BY);

  const { change } = await updateUser(db, record.id, { fields, by: BY });

  expect(change).toBeDefined();
  expect(await lastChange()).toMatchObject({ reasons, users: [record.id] });
});

test('an update that alters nothing records nothing', async () => {
  const { record } = await createUser(db, { username: 'ada', attributes: { a: 1, b: ['x'] }, state: 'Member' }, BY);

  const { change } = await updateUser(db, record.id, {
    fields: { username: 'ada', attributes: { b: ['x'], a: 1 }, state: 'MEMBER' },
    by: BY,
  });

  expect(change).toBeUndefined();
});

test('a deleted person is named by the change that removes their accounts', async () => {
  const { record } = await createUser(db, { username: 'ada' }, BY);

  await deleteUser(db, record.id, BY);

  expect(await readUser(db, record.id)).toBeUndefined();
  expect(await lastChange()).toMatchObject({ reasons: ['deleteAccount'], users: [record.id], username: 'ada' });
});

test('usernames and external ids are unique whatever their case', async () => {
  await createUser(db, { username: 'ada', externalId: '1' }, BY);

  await expect(createUser(db, { username: 'ADA' }, BY)).rejects.toMatchObject({
    code: 'already-exists',
    errors: [{ pointer: '/username' }],
  });
  await expect(createUser(db, { username: 'x', externalId: '1' }, BY)).rejects.toMatchObject({
    errors: [{ pointer: '/externalId' }],
  });
});

test.each<[string, UserFields, string]>([
  ['a control character', { username: 'a\u0000b' }, '/username'],
  ['a line break', { username: 'a\nb' }, '/username'],
  ['a lone surrogate', { displayName: '\ud800' }, '/displayName'],
  ['10,000 characters', { username: 'x'.repeat(10_000) }, '/username'],
  ['only blanks', { username: '  ' }, '/username'],
  ['no address', { email: 'nobody' }, '/email'],
  [
    '51 attributes',
    { attributes: Object.fromEntries(Array.from({ length: 51 }, (_unused, index) => [`k${index}`, 1])) },
    '/attributes',
  ],
  ['an attribute with a null character', { attributes: { a: 'x\u0000' } }, '/attributes'],
  ['an unknown state', { state: 'Emperor' }, '/state'],
])('%s is refused with a pointer', async (_what, fields, pointer) => {
  const { record } = await createUser(db, { username: 'ada' }, BY);

  await expect(updateUser(db, record.id, { fields, by: BY })).rejects.toMatchObject({
    code: 'not-acceptable-value',
    errors: [{ pointer }],
  });
});

test('a person is found by id, username and external id', async () => {
  const { record } = await createUser(db, { username: "o'neil:x", externalId: 'E:1' }, BY);

  expect(await resolveUser(db, record.id)).toBe(record.id);
  expect(await resolveUser(db, "username:O'NEIL:X")).toBe(record.id);
  expect(await resolveUser(db, 'external:E:1')).toBe(record.id);
  await expect(resolveUser(db, "'; drop table users")).rejects.toMatchObject({ code: 'not-found' });
});

test('people are listed by pages and filters', async () => {
  for (const username of ['b', 'A', 'c%d', 'cxd'])
    await createUser(db, { username, active: username !== 'b', state: username === 'A' ? 'Blue' : null }, BY);

  const first = await listUsers(db, { limit: 2 });
  const second = await listUsers(db, { limit: 10, after: first.at(-1)?.username });

  expect([...first, ...second].map((user) => user.username)).toEqual(['A', 'b', 'c%d', 'cxd']);
  expect((await listUsers(db, { limit: 10, q: 'C%D' })).map((user) => user.username)).toEqual(['c%d']);
  expect((await listUsers(db, { limit: 10, active: false })).map((user) => user.username)).toEqual(['b']);
  expect((await listUsers(db, { limit: 10, state: 'blue' })).map((user) => user.username)).toEqual(['A']);
});

test('two changes of one person at the same time both hold', async () => {
  const { record } = await createUser(db, { username: 'ada' }, BY);

  await Promise.all([
    updateUser(db, record.id, { fields: { email: 'ada@x' }, by: BY }),
    updateUser(db, record.id, { fields: { displayName: 'Countess' }, by: BY }),
  ]);

  expect(await readUser(db, record.id)).toMatchObject({ email: 'ada@x', displayName: 'Countess' });
});

test('people are found by the state that counts, as it is worked out for each of them', async () => {
  const { record: byGroup } = await createUser(db, { username: 'by-group' }, BY);
  await createUser(db, { username: 'by-source', state: 'Blue' }, BY);
  await createUser(db, { username: 'higher', state: 'Member' }, BY);
  await createUser(db, { username: 'nothing' }, BY);
  await db.query(`insert into groups (id, name) values (gen_random_uuid(), 'blues')`);
  await db.query(
    `insert into members (group_id, user_id) select g.id, u.id from groups g, users u where u.username in ('higher', 'by-group')`,
  );
  await db.query(
    `insert into state_groups (state_id, group_id) select s.id, g.id from states s, groups g where s.name = 'Blue'`,
  );

  const named = async (state: string): Promise<readonly string[]> =>
    (await listUsers(db, { state, limit: 10 })).map(({ username }) => username);

  expect((await readUser(db, byGroup.id))?.state).toBe('Blue');
  expect(await named('blue')).toEqual(['by-group', 'by-source']);
  expect(await named('Member')).toEqual(['higher']);
  expect(await named('Guest')).toEqual(['nothing']);
  expect(await named('No such state')).toEqual([]);
});

test('searches for a part of a text have an index', async () => {
  const found = await db.query<{ name: string }>(
    `select indexname as name from pg_indexes where indexname in ('users_search', 'accounts_search', 'audit_search') order by 1`,
  );

  expect(found.rows.map(({ name }) => name)).toEqual(['accounts_search', 'audit_search', 'users_search']);
});
