import { randomUUID } from 'node:crypto';
import { addAccount, addGroup, addService, addUser, openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { bumpGroupsOf, bumpMissedGroups, recordMembers } from './group-members';

let store: TestStore;
let serviceId: string;
let userId: string;
let syncId: string;

beforeAll(async () => {
  store = await openTestStore();
  serviceId = await addService(store.db, { membership: 'by group' });
  userId = await addUser(store.db);
  await addAccount(store.db, { serviceId, userId });
  syncId = randomUUID();
  await store.db.query(
    `insert into syncs (id, service_id, kind, status, actor, workflow_id, total) values ($1, $2, 'groups', 'running', 'client:test', 'none', 1)`,
    [syncId, serviceId],
  );
  await store.db.query(`insert into sync_items (sync_id, seq, user_id, outcome) values ($1, 1, $2, 'succeeded')`, [
    syncId,
    userId,
  ]);
});
afterAll(() => store.close());

/** A remote group of the person's, as the columns (SQL) say. */
async function remoteGroup(columns: string, values: string): Promise<string> {
  const id = randomUUID();
  const groupId = await addGroup(store.db, [userId]);
  await store.db.query(
    `insert into remote_groups (id, service_id, origin, name, wanted_version, ${columns})
     values ($1, $2, $3, $3, nextval('version_seq'), ${values})`,
    [id, serviceId, id],
  );
  await store.db.query(`insert into group_sources values ($1, 'group', $2, $3, 'template')`, [serviceId, groupId, id]);
  return id;
}

const settledGroup = () => remoteGroup('applied_version', `currval('version_seq')`);
const GATHERS = `clock_timestamp() + interval '40 seconds'`;

async function versionsOf(id: string): Promise<{ readonly wanted: number; readonly due: boolean }> {
  const found = await store.db.query<{ wanted: number; due: boolean }>(
    `select wanted_version as wanted, wanted_version <> applied_version as due from remote_groups where id = $1`,
    [id],
  );
  return found.rows[0] ?? { wanted: 0, due: false };
}

describe('groups of an account that a bulk run has made', () => {
  test('a group that gathers its members is left alone by the next account', async () => {
    const gathering = await remoteGroup('next_try', GATHERS);
    const settled = await settledGroup();
    const before = await versionsOf(gathering);

    await bumpGroupsOf(store.db, { serviceId, userId }, 'bulk');

    expect(await versionsOf(gathering)).toEqual(before);
    expect((await versionsOf(settled)).due).toBe(true);
  });

  test('a person does not wait for a group that gathers', async () => {
    const gathering = await remoteGroup('next_try', GATHERS);

    await bumpGroupsOf(store.db, { serviceId, userId }, 'person');

    const waits = await store.db.query(`select from remote_groups where id = $1 and next_try is not null`, [gathering]);
    expect(waits.rowCount).toBe(0);
  });

  test('the end of the run finds the groups that have missed an account', async () => {
    const missed = await settledGroup();
    const joined = await settledGroup();
    await recordMembers(store.db, { serviceId, remoteGroupId: joined }, { added: [userId], removed: [] });
    const inWork = await remoteGroup('lease_holder', `'somebody'`);
    const before = await versionsOf(inWork);

    await bumpMissedGroups(store.db, syncId);

    expect((await versionsOf(missed)).due).toBe(true);
    expect((await versionsOf(joined)).due).toBe(false);
    // Who is at it may have read its members before this account was there.
    expect((await versionsOf(inWork)).wanted).toBeGreaterThan(before.wanted);
  });
});
