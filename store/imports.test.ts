import { once } from 'node:events';
import fc from 'fast-check';
import { readRoster } from '../roster';
import type { RosterMode } from '../domain/roster';
import { createTestDatabase } from '../test/environment/database';
import type { TestDatabase } from '../test/environment/database';
import { openDatabase } from './database';
import type { Database } from './database';
import { addMembers, deleteGroup, groupIdByName } from './groups';
import { importRoster, listImports } from './imports';
import type { Imported } from './imports';
import { ensureBuiltInStates } from './states';
import { createUser, deleteUser, readUser, resolveUser, updateUser } from './users';

const BY = { actor: 'client:test' };

interface Person {
  readonly externalId?: string;
  readonly username: string;
  readonly displayName?: string;
  readonly email?: string | null;
  readonly active?: boolean;
  readonly state?: string | null;
  readonly groups?: readonly string[];
}

interface ImportOptions {
  readonly mode?: RosterMode;
  readonly dryRun?: boolean;
  readonly allowEmpty?: boolean;
}

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase({ migrated: true });
  db = openDatabase({ url: database.url, max: 5 });
  await ensureBuiltInStates(db);
});

beforeEach(async () => {
  await db.query(
    `delete from imports;
     delete from operations;
     delete from changes;
     delete from users;
     delete from groups`,
  );
});

afterAll(async () => {
  await db.close();
  await database.drop();
});

async function importUsers(
  users: readonly Person[],
  options: ImportOptions = {},
  on: Database = db,
): Promise<Imported> {
  const mode = options.mode ?? 'replace';
  const chunks = (async function* text() {
    yield Buffer.from(JSON.stringify({ users }));
  })();
  const roster = await readRoster({ chunks, format: 'json', mode, states: ['Member', 'Blue', 'Guest'] });
  expect(roster.problems).toEqual([]);
  try {
    const rows = { users: roster.users, groups: roster.groups, batches: () => roster.spool.batches() };
    return await importRoster(on, { ...options, rows, mode, by: BY });
  } finally {
    await roster.spool.close();
  }
}

async function changeUsers(imported: Imported): Promise<readonly string[]> {
  const rows = await db.query<{ username: string }>(
    `select coalesce(u.username, c.user_id::text) as username from change_users c left join users u on u.id = c.user_id
     where change_id = $1 order by 1`,
    [imported.import?.changeId],
  );
  return rows.rows.map((row) => row.username);
}

async function everybody(): Promise<Readonly<Record<string, string>>> {
  const rows = await db.query<{ username: string; shown: string }>(
    `select username, coalesce(external_id, '-') || case when active then '' else ' inactive' end as shown from users order by username`,
  );
  return Object.fromEntries(rows.rows.map((row) => [row.username, row.shown]));
}

async function counts(): Promise<{ readonly changes: number; readonly operations: number; readonly imports: number }> {
  const rows = await db.query<{ changes: number; operations: number; imports: number }>(
    `select (select count(*) from changes) as changes, (select count(*) from operations) as operations, (select count(*) from imports) as imports`,
  );
  return rows.rows[0] ?? { changes: -1, operations: -1, imports: -1 };
}

test('a first import creates people, groups and memberships in one change', async () => {
  const imported = await importUsers([
    {
      externalId: '1',
      username: 'ada',
      displayName: 'Ada "A" Lovelace',
      state: 'Member',
      groups: ['Engine', "O'Brien; drop table users"],
    },
    { externalId: '2', username: 'bob', active: false, groups: ['engine'] },
  ]);

  expect(imported.difference).toMatchObject({
    created: { count: 2, names: ['ada', 'bob'] },
    groupsCreated: { count: 2, names: ['Engine', "O'Brien; drop table users"] },
    membershipsAdded: { count: 3, names: ['ada', 'bob'] },
    unchanged: 0,
  });
  expect(await changeUsers(imported)).toEqual(['ada', 'bob']);
  expect(await everybody()).toEqual({ ada: '1', bob: '2 inactive' });
  expect(await readUser(db, await resolveUser(db, 'external:1'))).toMatchObject({
    displayName: 'Ada "A" Lovelace',
    state: 'Member',
  });
  expect(await listImports(db, { limit: 10 })).toMatchObject([
    { mode: 'replace', operationId: imported.import?.operationId },
  ]);
});

test('the same roster again alters nothing and leaves no trace', async () => {
  const users = [
    { externalId: '1', username: 'ada', state: 'Blue', groups: ['a', 'b'] },
    { username: 'bob', email: 'b@x' },
  ];
  await importUsers(users);
  const before = await counts();

  const again = await importUsers(users);

  expect(again.import).toBeUndefined();
  expect(again.difference.unchanged).toBe(2);
  expect(await counts()).toEqual(before);
});

test('only the people about whom something changed are in the change', async () => {
  const base = ['ada', 'bob', 'carl', 'dora', 'eve'].map((username, index) => ({
    externalId: String(index),
    username,
    groups: ['g'],
  }));
  await importUsers(base);
  const [ada, bob, carl, dora] = base as unknown as readonly [Person, Person, Person, Person];

  const imported = await importUsers([
    { ...ada, groups: ['g', 'h'] },
    { ...bob, email: 'bob@example.org' },
    { ...carl, groups: [] },
    dora,
  ]);

  expect(await changeUsers(imported)).toEqual(['ada', 'bob', 'carl', 'eve']);
  expect(imported.difference).toMatchObject({
    updated: { names: ['bob'] },
    deactivated: { names: ['eve'] },
    membershipsAdded: { names: ['ada'] },
    membershipsRemoved: { names: ['carl'] },
    unchanged: 1,
  });
});

test('who is missing is deactivated and comes back with the next roster', async () => {
  await importUsers([{ username: 'ada' }, { username: 'bob', groups: ['g'] }]);

  const without = await importUsers([{ username: 'ada' }]);
  const back = await importUsers([{ username: 'ada' }, { username: 'BOB', groups: ['g'] }]);

  expect(without.difference.deactivated).toEqual({ count: 1, names: ['bob'] });
  expect(back.difference).toMatchObject({
    reactivated: { count: 1 },
    renamed: { names: ['bob → BOB'] },
    membershipsAdded: { count: 0 },
  });
});

test('two usernames are swapped and a chain of renames works', async () => {
  await importUsers(['a', 'b', 'c', 'd', 'e'].map((username) => ({ externalId: username, username })));

  const imported = await importUsers([
    { externalId: 'a', username: 'b' },
    { externalId: 'b', username: 'a' },
    { externalId: 'c', username: 'd' },
    { externalId: 'd', username: 'e' },
    { externalId: 'e', username: 'f' },
    { externalId: 'new', username: 'c' },
  ]);

  expect(imported.difference).toMatchObject({
    renamed: { count: 5 },
    created: { names: ['c'] },
    deactivated: { count: 0 },
  });
  expect(await everybody()).toEqual({ a: 'b', b: 'a', c: 'new', d: 'c', e: 'd', f: 'e' });
});

test('somebody new with the name of somebody who left is another person', async () => {
  await importUsers([
    { externalId: 'old', username: 'ada', groups: ['g'] },
    { externalId: 'x', username: 'x' },
  ]);
  const old = await resolveUser(db, 'external:old');

  const imported = await importUsers([
    { externalId: 'new', username: 'ada' },
    { externalId: 'x', username: 'x' },
  ]);

  expect(await resolveUser(db, 'username:ada')).not.toBe(old);
  expect(await readUser(db, old)).toMatchObject({
    active: false,
    externalId: 'old',
    username: `ada~${old.slice(-12)}`,
  });
  expect(imported.difference).toMatchObject({
    created: { names: ['ada'] },
    deactivated: { names: ['ada'] },
    released: { count: 1 },
  });
});

test('a merge adds and alters and takes nothing away by silence', async () => {
  await importUsers([
    { externalId: '1', username: 'ada', email: 'ada@x', state: 'Member', groups: ['g'] },
    { username: 'bob' },
  ]);

  const imported = await importUsers([{ externalId: '1', username: 'ada', groups: ['h'] }, { username: 'carl' }], {
    mode: 'merge',
  });

  expect(imported.difference).toMatchObject({
    created: { names: ['carl'] },
    updated: { count: 0 },
    deactivated: { count: 0 },
    membershipsRemoved: { count: 0 },
  });
  expect(await readUser(db, await resolveUser(db, 'username:ada'))).toMatchObject({
    email: 'ada@x',
    sourceState: 'Member',
  });
});

test('a merge refuses a name that belongs to another active person', async () => {
  await importUsers([{ externalId: '1', username: 'ada' }]);

  const attempt = importUsers([{ externalId: '2', username: 'Ada' }], { mode: 'merge' });

  await expect(attempt).rejects.toMatchObject({ code: 'invalid-roster', errors: [{ pointer: 'line 1' }] });
});

test('an empty whole roster is refused unless it is meant', async () => {
  await importUsers([{ username: 'ada' }]);

  await expect(importUsers([])).rejects.toMatchObject({ code: 'conflict' });
  const meant = await importUsers([], { allowEmpty: true });

  expect(meant.difference.deactivated.count).toBe(1);
});

test('a dry run answers the same difference and changes nothing', async () => {
  await importUsers([{ username: 'ada', groups: ['g'] }]);
  const next = [{ username: 'bob', groups: ['g', 'new'] }];
  const before = await counts();

  const dry = await importUsers(next, { dryRun: true });
  const afterDry = await counts();
  const real = await importUsers(next);

  expect(dry.import).toBeUndefined();
  expect(dry.difference).toEqual(real.difference);
  expect(afterDry).toEqual(before);
});

test('imports at the same time queue and the last one holds', async () => {
  const other = openDatabase({ url: database.url, max: 3 });
  const rosterOf = (mark: string): Person[] =>
    Array.from({ length: 200 }, (_unused, index) => ({ username: `u${index}`, displayName: mark, groups: [mark] }));

  const all = await Promise.all(
    ['a', 'b', 'c', 'd'].map((mark, index) => importUsers(rosterOf(mark), {}, index % 2 === 0 ? db : other)),
  );
  await other.close();

  const shown = await db.query<{ name: string; members: number }>(
    `select u.display_name as name, count(m) as members from users u join members m on m.user_id = u.id group by 1`,
  );
  expect(shown.rows).toHaveLength(1);
  expect(shown.rows[0]?.members).toBe(200);
  expect(all.filter((imported) => imported.difference.created.count === 200)).toHaveLength(1);
});

test('a person and a group deleted during an import do not break it', async () => {
  const users = Array.from({ length: 300 }, (_unused, index) => ({
    externalId: `${index}`,
    username: `u${index}`,
    groups: [`g${index % 7}`],
  }));
  await importUsers(users);

  await Promise.all([
    importUsers(users.map((user, index) => ({ ...user, displayName: 'new', groups: [`g${(index + 1) % 7}`, 'more'] }))),
    deleteUser(db, await resolveUser(db, 'external:7'), BY),
    deleteGroup(db, await groupIdByName(db, 'g3'), BY),
    addMembers(db, { groupId: await groupIdByName(db, 'g5'), userIds: [await resolveUser(db, 'external:9')], by: BY }),
  ]);

  const left = await db.query<{ count: number }>(`select count(*) as count from users where display_name = 'new'`);
  expect(left.rows[0]?.count).toBeGreaterThanOrEqual(299);
});

test('an import waits for a group that is being deleted and plans again', async () => {
  await importUsers([
    { externalId: '1', username: 'ada', groups: ['g'] },
    { externalId: '2', username: 'bob' },
  ]);
  const other = openDatabase({ url: database.url, max: 1 });
  const deleting = new EventTarget();
  const held = other.transaction(async (client) => {
    await client.query(`select from groups where name = 'g' for update`);
    deleting.dispatchEvent(new Event('locked'));
    await waitingForLock();
    await client.query(`delete from groups where name = 'g'`);
  });
  await once(deleting, 'locked');

  const imported = await importUsers([
    { externalId: '1', username: 'ada', groups: ['g'] },
    { externalId: '2', username: 'bob', groups: ['g'] },
  ]);
  await held;
  await other.close();

  expect(imported.difference).toMatchObject({ groupsCreated: { names: ['g'] }, membershipsAdded: { count: 2 } });
});

async function waitingForLock(): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const waiting = await db.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if ((waiting.rowCount ?? 0) > 0) return;
    if (Date.now() > deadline) throw new Error('nobody came to wait for the lock');
  }
}

test('a person made by hand is taken over by username and gets the externalId', async () => {
  const { record } = await createUser(db, { username: 'Ada' }, BY);

  await importUsers([{ externalId: '1', username: 'ada' }]);
  await updateUser(db, record.id, { fields: { email: 'by@hand' }, by: BY });

  expect(await resolveUser(db, 'external:1')).toBe(record.id);
});

test('any roster imported twice alters nothing the second time', async () => {
  const names = fc.constantFrom('ada', 'bob', 'Carl', 'dora', 'ÉVE', "o'neil", 'x~y', '100%', 'a_b', 'ß', '名前');
  const person = fc.record(
    {
      externalId: fc.constantFrom('1', '2', '3', '4', '5', '6'),
      username: names,
      displayName: fc.constantFrom('A', 'B "b"'),
      active: fc.boolean(),
      state: fc.constantFrom('Member', 'Blue', null),
      groups: fc.array(fc.constantFrom('g', 'G', 'h', 'ü'), { maxLength: 3 }),
    },
    { requiredKeys: ['username'] },
  );
  const roster = fc
    .uniqueArray(person, { selector: (user) => user.username.toLowerCase(), minLength: 1, maxLength: 8 })
    .map((users) =>
      users.filter(
        (user, index) =>
          user.externalId === undefined || users.findIndex((other) => other.externalId === user.externalId) === index,
      ),
    );

  await fc.assert(
    fc.asyncProperty(fc.array(roster, { minLength: 1, maxLength: 2 }), async (rosters) => {
      for (const users of rosters) {
        const first = await importUsers(users);
        const second = await importUsers(users);
        const touched = new Set(await changeUsers(first));

        expect(second.import).toBeUndefined();
        expect(second.difference.unchanged).toBe(users.length);
        expect(touched.size + first.difference.unchanged).toBeGreaterThanOrEqual(users.length);
        expect(Object.keys(await everybody())).toEqual(expect.arrayContaining(users.map((user) => user.username)));
      }
    }),
    { numRuns: 20 },
  );
});
