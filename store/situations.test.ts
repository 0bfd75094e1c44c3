import {
  addAccount,
  addGrant,
  addGroup,
  addService,
  addState,
  addUser,
  makeChange,
  openTestStore,
} from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { requestAccount } from './account-requests';
import { readSituations } from './situations';
import type { AccountSituation } from './situations';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

interface Person {
  readonly serviceId: string;
  readonly userId: string;
}

async function person(
  account: Readonly<Record<string, unknown>> = {},
  user: Readonly<Record<string, unknown>> = {},
): Promise<Person> {
  const facts = { serviceId: await addService(store.db), userId: await addUser(store.db, user) };
  await addAccount(store.db, facts, account);
  return facts;
}

async function situationOf({ serviceId, userId }: Person): Promise<AccountSituation> {
  const [situation] = await readSituations(store.db, serviceId, [userId]);
  if (situation === undefined) throw new Error('there is no such account');
  return situation;
}

describe('the situation of an account', () => {
  test('a person without rules has no state above Guest, no grant and no groups', async () => {
    expect(await situationOf(await person())).toMatchObject({
      user: { active: true, state: 'Guest', groups: [], attributes: {} },
      grantId: null,
      desiredGroups: [],
      passwordWanted: false,
      intent: null,
      intentWaitMs: 0,
      rowWaitMs: 0,
      guarded: false,
    });
  });

  test('the highest state counts, from the source, from a group or public', async () => {
    const facts = await person();
    const low = await addState(store.db);
    const high = await addState(store.db);
    const groupId = await addGroup(store.db, [facts.userId]);
    await store.db.query(`update users set source_state_id = $2 where id = $1`, [facts.userId, low]);
    const before = (await situationOf(facts)).user?.state;
    await store.db.query(`insert into state_groups (state_id, group_id) values ($1, $2)`, [high, groupId]);

    const names = await store.db.query<{ name: string }>(
      `select name from states where id in ($1, $2) order by priority`,
      [low, high],
    );
    expect([before, (await situationOf(facts)).user?.state]).toEqual(names.rows.map((row) => row.name));
  });

  test.each(['user_id', 'group_id', 'state_id'] as const)('a grant by %s is seen', async (subject) => {
    const facts = await person();
    const stateId = await addState(store.db);
    const groupId = await addGroup(store.db, [facts.userId]);
    await store.db.query(`update users set source_state_id = $2 where id = $1`, [facts.userId, stateId]);
    const ids = { user_id: facts.userId, group_id: groupId, state_id: stateId };

    const grantId = await addGrant(store.db, facts.serviceId, { [subject]: ids[subject] } as { user_id: string });

    expect((await situationOf(facts)).grantId).toBe(grantId);
  });

  test('a person who is gone leaves their last name', async () => {
    const facts = await person({ username: 'ada' });
    await store.db.query(`delete from users where id = $1`, [facts.userId]);

    expect(await situationOf(facts)).toMatchObject({ user: null, username: 'ada', grantId: null, desiredGroups: [] });
  });

  test('text that people typed comes back as it is', async () => {
    const displayName = `Robert'); drop table users;-- "quoted" \\ \u2603 😀`;
    const facts = await person({}, { display_name: displayName, attributes: { '"': ["'"], n: null } });

    expect((await situationOf(facts)).user).toMatchObject({ displayName, attributes: { '"': ["'"], n: null } });
  });

  test('desired groups follow membership through the mapping', async () => {
    const facts = await person();
    const groupId = await addGroup(store.db, [facts.userId]);
    await makeChange(store.db, { kind: 'service', subject: { serviceId: facts.serviceId } });
    const remote = await store.db.query<{ id: string }>(
      `select remote_group_id as id from group_sources where service_id = $1 and source_id = $2`,
      [facts.serviceId, groupId],
    );

    expect((await situationOf(facts)).desiredGroups).toEqual([remote.rows[0]?.id]);
    await store.db.query(`delete from members where group_id = $1`, [groupId]);
    expect((await situationOf(facts)).desiredGroups).toEqual([]);
  });

  test('version and desired state are of one snapshot', async () => {
    const facts = await person();
    const groupId = await addGroup(store.db);
    await makeChange(store.db, { kind: 'service', subject: { serviceId: facts.serviceId } });
    const writing = { stop: false };
    const writer = (async () => {
      for (let present = false; !writing.stop; present = !present) {
        await store.other.transaction(async (client) => {
          const statement = present
            ? `delete from members where group_id = $1 and user_id = $2`
            : `insert into members (group_id, user_id) values ($1, $2)`;
          await client.query(statement, [groupId, facts.userId]);
          // Even versions with the group, odd ones without: only possible together.
          await client.query(`update accounts set wanted_version = 1000000 + $2 where user_id = $1`, [
            facts.userId,
            present ? 1 : 0,
          ]);
        });
      }
    })();

    const seen: string[] = [];
    for (let index = 0; index < 60; index += 1) {
      const { version, desiredGroups } = await situationOf(facts);
      if (version >= 1_000_000) seen.push(`${version} ${desiredGroups.length}`);
    }
    writing.stop = true;
    await writer;

    expect(seen.filter((pair) => pair !== '1000000 1' && pair !== '1000001 0')).toEqual([]);
  });

  test('a wanted password is seen, an infinite wait is a number', async () => {
    const facts = await person();
    await addGrant(store.db, facts.serviceId, { user_id: facts.userId });
    await requestAccount(store.db, {
      ...facts,
      kind: 'resetPassword',
      actor: 'client:test',
      password: { sealed: Buffer.from('x'), generated: true },
    });
    await store.db.query(`update accounts set next_try = 'infinity' where user_id = $1`, [facts.userId]);

    expect(await situationOf(facts)).toMatchObject({ passwordWanted: true, rowWaitMs: 2_147_483_647 });
  });

  test('accounts that do not exist are missing in the answer', async () => {
    const facts = await person();

    const found = await readSituations(store.db, facts.serviceId, [facts.userId, await addUser(store.db)]);

    expect(found.map((situation) => situation.userId)).toEqual([facts.userId]);
  });
});
