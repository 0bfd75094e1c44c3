import { waitFor } from '../runtime/wait-for';
import { createTestDatabase } from '../test/environment/database';
import type { TestDatabase } from '../test/environment/database';
import { openDatabase } from './database';
import type { Database } from './database';
import { addGrant, listGrants, removeGrant } from './grants';
import {
  addMembers,
  createGroup,
  deleteGroup,
  listGroups,
  listMembers,
  readGroup,
  removeMembers,
  renameGroup,
} from './groups';
import { createState, deleteState, ensureBuiltInStates, listStates, stateIdByName, updateState } from './states';
import { createUser, deleteUser, readUser, updateUser } from './users';

const BY = { actor: 'client:test' };
const NOBODY = '00000000-0000-4000-8000-000000000000';

let database: TestDatabase;
let db: Database;
let other: Database;

beforeAll(async () => {
  database = await createTestDatabase({ migrated: true });
  db = openDatabase({ url: database.url, max: 5 });
  other = openDatabase({ url: database.url, max: 2 });
});

beforeEach(async () => {
  await db.query(
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
  await ensureBuiltInStates(db);
});

afterAll(async () => {
  await db.close();
  await other.close();
  await database.drop();
});

async function people(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1)
    ids.push((await createUser(db, { username: `u${index}` }, BY)).record.id);
  return ids;
}

async function changes(): Promise<
  readonly {
    readonly kind: string;
    readonly operation: string;
    readonly users: readonly string[];
    readonly subject: unknown;
  }[]
> {
  const rows = await db.query<{ kind: string; operation: string; users: string[]; subject: unknown }>(
    `select c.kind, o.kind as operation, c.subject, array(select user_id::text from change_users where change_id = c.id order by 1) as users
     from changes c join operations o on o.id = c.operation_id where o.kind not like '%User' order by c.id`,
  );
  return rows.rows;
}

async function someoneWaits(): Promise<void> {
  const waiting = await waitFor(10_000, async () => {
    const rows = await db.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return (rows.rowCount ?? 0) > 0 ? true : undefined;
  });
  expect(waiting).toBe(true);
}

test('members are added and removed in bulk with one change for those who moved', async () => {
  const [a, b, c] = (await people(3)) as [string, string, string];
  const { record: group } = await createGroup(db, 'Crew', BY);

  await addMembers(db, { groupId: group.id, userIds: [a, b], by: BY });
  const again = await addMembers(db, { groupId: group.id, userIds: [a, b, c], by: BY });
  const removed = await removeMembers(db, { groupId: group.id, userIds: [b, NOBODY], by: BY });
  const nobody = await removeMembers(db, { groupId: group.id, userIds: [b], by: BY });

  expect(again.userIds).toEqual([c]);
  expect(removed.userIds).toEqual([b]);
  expect(nobody.change).toBeUndefined();
  expect(await readGroup(db, group.id)).toMatchObject({ members: 2 });
  expect((await changes()).map((change) => [change.kind, change.operation, change.users])).toEqual([
    ['group', 'createGroup', []],
    ['people', 'addMember', [a, b].sort()],
    ['people', 'addMember', [c]],
    ['people', 'removeMember', [b]],
  ]);
});

test('members are listed by pages of usernames', async () => {
  const { record: group } = await createGroup(db, 'Crew', BY);
  const ids = await Promise.all(
    ['b', 'A', 'c'].map(async (username) => (await createUser(db, { username }, BY)).record.id),
  );
  await addMembers(db, { groupId: group.id, userIds: ids, by: BY });

  const page = await listMembers(db, group.id, { limit: 2 });
  const rest = await listMembers(db, group.id, { limit: 2, after: page.at(-1)?.username });

  expect([...page, ...rest].map((member) => member.username)).toEqual(['A', 'b', 'c']);
});

test('unknown people and groups are refused and nobody is added', async () => {
  const [a] = (await people(1)) as [string];
  const { record: group } = await createGroup(db, 'Crew', BY);

  await expect(addMembers(db, { groupId: group.id, userIds: [a, NOBODY], by: BY })).rejects.toMatchObject({
    code: 'not-found',
  });
  await expect(addMembers(db, { groupId: NOBODY, userIds: [a], by: BY })).rejects.toMatchObject({ code: 'not-found' });
  await expect(removeMembers(db, { groupId: "'", userIds: [a], by: BY })).rejects.toMatchObject({ code: 'not-found' });
  expect(await readGroup(db, group.id)).toMatchObject({ members: 0 });
});

test('a rename is a change, the same name is none, a taken one is refused', async () => {
  const { record } = await createGroup(db, 'Crew', BY);
  await createGroup(db, 'Other', BY);

  const renamed = await renameGroup(db, record.id, { name: 'CREW', by: BY });
  const same = await renameGroup(db, record.id, { name: 'CREW', by: BY });

  expect(renamed.change).toBeDefined();
  expect(same.change).toBeUndefined();
  await expect(renameGroup(db, record.id, { name: 'oTHER', by: BY })).rejects.toMatchObject({ code: 'already-exists' });
  expect((await listGroups(db, { limit: 10 })).map((group) => group.name)).toEqual(['CREW', 'Other']);
});

test('a deleted group names everybody who was in it', async () => {
  const ids = await people(3);
  const { record } = await createGroup(db, 'Crew', BY);
  await addMembers(db, { groupId: record.id, userIds: ids, by: BY });

  await deleteGroup(db, record.id, BY);

  expect((await changes()).at(-1)).toEqual({
    kind: 'group',
    operation: 'deleteGroup',
    subject: { groupId: record.id },
    users: [...ids].sort(),
  });
});

test('a member added while the group is being deleted is refused', async () => {
  const [a] = (await people(1)) as [string];
  const { record } = await createGroup(db, 'Crew', BY);
  let adding: Promise<unknown> = Promise.resolve();

  await other.transaction(async (client) => {
    await client.query(`select from groups where id = $1 for update`, [record.id]);
    adding = addMembers(db, { groupId: record.id, userIds: [a], by: BY }).then(() => 'added', String);
    await someoneWaits();
    await client.query(`delete from groups where id = $1`, [record.id]);
  });

  expect(await adding).toContain('does not exist');
});

test('a group deleted while a member is being added reaches that member', async () => {
  const [a, b] = (await people(2)) as [string, string];
  const { record } = await createGroup(db, 'Crew', BY);
  await addMembers(db, { groupId: record.id, userIds: [a], by: BY });
  let deleting: Promise<unknown> = Promise.resolve();

  await other.transaction(async (client) => {
    await client.query(`insert into members (group_id, user_id) values ($1, $2)`, [record.id, b]);
    deleting = deleteGroup(db, record.id, BY);
    await someoneWaits();
  });
  await deleting;

  expect((await changes()).at(-1)?.users).toEqual([a, b].sort());
});

test('a person and their group deleted at the same time do not deadlock', async () => {
  const ids = await people(20);
  const { record } = await createGroup(db, 'Crew', BY);
  await addMembers(db, { groupId: record.id, userIds: ids, by: BY });

  await Promise.all([...ids.map((id) => deleteUser(db, id, BY)), deleteGroup(other, record.id, BY)]);

  expect(await listGroups(db, { limit: 1 })).toEqual([]);
});

test('built-in states stand after every start and cannot be deleted or renamed', async () => {
  await Promise.all([ensureBuiltInStates(db), ensureBuiltInStates(other)]);
  const blue = await stateIdByName(db, 'blue');

  expect((await listStates(db)).map((state) => [state.name, state.priority, state.isPublic, state.isBuiltIn])).toEqual([
    ['Member', 100, false, true],
    ['Blue', 50, false, true],
    ['Guest', 0, true, true],
  ]);
  await expect(deleteState(db, blue, BY)).rejects.toMatchObject({ code: 'conflict' });
  await expect(updateState(db, blue, { fields: { name: 'Green' }, by: BY })).rejects.toMatchObject({
    code: 'conflict',
  });
});

test('a state of a group holds for its members until it is deleted', async () => {
  const [a] = (await people(1)) as [string];
  const { record: group } = await createGroup(db, 'Crew', BY);
  await addMembers(db, { groupId: group.id, userIds: [a], by: BY });

  const { record: state } = await createState(db, { name: 'Officer', priority: 200, groupIds: [group.id] }, BY);
  const asOfficer = await readUser(db, a);
  const same = await updateState(db, state.id, { fields: { groupIds: [group.id], priority: 200 }, by: BY });
  await updateUser(db, a, { fields: { state: 'Officer' }, by: BY });
  await deleteState(db, state.id, BY);

  expect(asOfficer?.state).toBe('Officer');
  expect(state.groups).toEqual(['Crew']);
  expect(same.change).toBeUndefined();
  expect(await readUser(db, a)).toMatchObject({ state: 'Guest', sourceState: null });
  expect((await changes()).filter((change) => change.kind === 'state').map((change) => change.operation)).toEqual([
    'createState',
    'deleteState',
  ]);
});

test('states refuse taken names and priorities and unknown groups', async () => {
  await expect(createState(db, { name: 'MEMBER', priority: 7 }, BY)).rejects.toMatchObject({
    errors: [{ pointer: '/name' }],
  });
  await expect(createState(db, { name: 'x', priority: 100 }, BY)).rejects.toMatchObject({
    errors: [{ pointer: '/priority' }],
  });
  await expect(createState(db, { name: 'x', priority: 7, groupIds: [NOBODY] }, BY)).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('a grant is given once, listed, and taken away with its subject named', async () => {
  const serviceId = '00000000-0000-4000-8000-000000000001';
  await db.query(`insert into services (id, name, connector) values ($1, 'wiki', 'example')`, [serviceId]);
  const { record: group } = await createGroup(db, 'Crew', BY);
  const grant = { serviceId, subject: { kind: 'group', id: group.id } } as const;

  const given = await addGrant(db, grant, BY);
  const again = await addGrant(db, grant, BY);
  const listed = await listGrants(db, { serviceId, limit: 10 });
  await removeGrant(db, given.record.id, BY);

  expect(again.change).toBeUndefined();
  expect(again.record.id).toBe(given.record.id);
  expect(listed).toMatchObject([
    { service: 'wiki', subject: { kind: 'group', name: 'Crew' }, createdBy: 'client:test' },
  ]);
  expect((await changes()).at(-1)).toMatchObject({
    kind: 'grant',
    operation: 'removeGrant',
    subject: { serviceId, groupId: group.id },
  });
  await expect(addGrant(db, { serviceId, subject: { kind: 'state', id: NOBODY } }, BY)).rejects.toMatchObject({
    code: 'not-found',
  });
  await expect(addGrant(db, { serviceId: NOBODY, subject: grant.subject }, BY)).rejects.toMatchObject({
    code: 'not-found',
  });
});
