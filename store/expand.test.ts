import {
  accountRow,
  addAccount,
  addAccounts,
  addGrant,
  addGroup,
  addService,
  addState,
  addUser,
  addUsers,
  commitChange,
  makeChange,
  openTestStore,
} from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { recordChange } from './changes';
import type { Database, Queryable } from './database';
import { expandChange, unexpandedChanges } from './expand';

const OPTIONS = { groupRules: () => undefined };

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

async function accountsOf(serviceId: string): Promise<readonly string[]> {
  const found = await store.db.query<{ user_id: string }>(
    `select user_id from accounts where service_id = $1 order by 1`,
    [serviceId],
  );
  return found.rows.map((row) => row.user_id);
}

/** Two that wait for each other: neither goes on before both are here. */
function meetingOfTwo(): () => Promise<void> {
  let arrived = 0;
  let open = (): void => undefined;
  const both = new Promise<void>((resolve) => (open = resolve));
  return () => {
    arrived += 1;
    if (arrived === 2) open();
    return both;
  };
}

interface SideBySide {
  readonly serviceId: string;
  readonly userId: string;
  readonly groupId: string;
}

async function sideBySide(): Promise<SideBySide> {
  return { serviceId: await addService(store.db), userId: await addUser(store.db), groupId: await addGroup(store.db) };
}

function addMember(client: Queryable, { groupId, userId }: SideBySide) {
  return client.query(`insert into members (group_id, user_id) values ($1, $2)`, [groupId, userId]);
}

const CHANGE = { reasons: ['updateGroups'], actor: 'client:test', operation: 'test' } as const;

describe('changes that are committed side by side', () => {
  test('a new member and a new grant of the group together make the account', async () => {
    const facts = await sideBySide();
    const bothWrote = meetingOfTwo();

    const changes = await Promise.all([
      store.db.transaction(async (client) => {
        await addMember(client, facts);
        await bothWrote();
        return recordChange(client, {
          ...CHANGE,
          kind: 'people',
          subject: { userId: facts.userId },
          users: [facts.userId],
        });
      }),
      store.other.transaction(async (client) => {
        await addGrant(client, facts.serviceId, { group_id: facts.groupId });
        await bothWrote();
        return recordChange(client, {
          ...CHANGE,
          kind: 'grant',
          subject: { serviceId: facts.serviceId, groupId: facts.groupId },
        });
      }),
    ]);
    await Promise.all([
      expandChange(store.db, changes[0].changeId, OPTIONS),
      expandChange(store.other, changes[1].changeId, OPTIONS),
    ]);

    expect(await accountsOf(facts.serviceId)).toEqual([facts.userId]);
  });

  test('bumping inside the two transactions loses the account', async () => {
    // The negative control: each sees only what it wrote itself.
    const facts = await sideBySide();
    const bothWrote = meetingOfTwo();
    const bothBumped = meetingOfTwo();
    const bump = async (client: Queryable) => {
      await bothWrote();
      await client.query(
        `insert into accounts (service_id, user_id, username, wanted_version)
         select s.id, u.id, u.username, 1 from services s, users u where s.id = $1 and entitling_grant(s.id, u.id) is not null`,
        [facts.serviceId],
      );
      await bothBumped();
    };

    await Promise.all([
      store.db.transaction(async (client) => {
        await addMember(client, facts);
        await bump(client);
      }),
      store.other.transaction(async (client) => {
        await addGrant(client, facts.serviceId, { group_id: facts.groupId });
        await bump(client);
      }),
    ]);

    expect(await accountsOf(facts.serviceId)).toEqual([]);
  });
});

describe('pages', () => {
  async function crowd(number: number): Promise<{ serviceId: string; users: readonly string[]; changeId: number }> {
    const serviceId = await addService(store.db, { hook_decides: true });
    const users = await addUsers(store.db, number);
    return {
      serviceId,
      users,
      changeId: await commitChange(store.db, { kind: 'people', subject: { serviceId }, users }),
    };
  }

  test('a large change is expanded in pages of 2,000 accounts', async () => {
    const { serviceId, users, changeId } = await crowd(4_500);
    const counts: number[] = [];

    for (let finished = false; !finished;) {
      const page = await expandChange(store.db, changeId, { ...OPTIONS, maxPages: 1 });
      counts.push(page.accounts.length);
      finished = page.finished;
    }

    expect(counts).toEqual([2_000, 2_000, 500]);
    expect(await accountsOf(serviceId)).toEqual(users);
    expect(await unexpandedChanges(store.db, 10)).not.toContain(changeId);
  });

  test('with several services a page still holds at most 2,000 accounts', async () => {
    const first = await addService(store.db, { hook_decides: true });
    const { serviceId: second, users } = await crowd(1_500);
    const changeId = await commitChange(store.db, { kind: 'people', subject: {}, users });

    const page = await expandChange(store.db, changeId, { ...OPTIONS, maxPages: 1 });

    expect(page.finished).toBe(false);
    expect(page.accounts.length).toBeLessThanOrEqual(2_000);
    expect(await accountsOf(first)).toEqual(await accountsOf(second));
  });

  test('after a crash between pages the next process goes on', async () => {
    const { serviceId, users, changeId } = await crowd(4_500);
    await expandChange(store.db, changeId, { ...OPTIONS, maxPages: 1 });
    expect(await unexpandedChanges(store.other, 10)).toContain(changeId);

    const rest = await expandChange(store.other, changeId, OPTIONS);

    expect(rest.accounts).toHaveLength(2_500);
    expect(await accountsOf(serviceId)).toEqual(users);
  });

  test('a crash within a page leaves nothing of it, and nothing is lost', async () => {
    const { serviceId, users, changeId } = await crowd(3_000);
    await expandChange(store.db, changeId, { ...OPTIONS, maxPages: 1 });
    const dying: Database = {
      ...store.db,
      transaction: (work) =>
        store.db.transaction(async (client) => {
          await work(client);
          throw new Error('killed before the commit');
        }),
    };

    await expect(expandChange(dying, changeId, OPTIONS)).rejects.toThrow('killed');
    expect(await accountsOf(serviceId)).toEqual(users.slice(0, 2_000));

    await expandChange(store.other, changeId, OPTIONS);
    expect(await accountsOf(serviceId)).toEqual(users);
  });

  test('two processes that expand the same change bump each account once', async () => {
    const { users, changeId } = await crowd(4_500);

    const [first, second] = await Promise.all([
      expandChange(store.db, changeId, OPTIONS),
      expandChange(store.other, changeId, OPTIONS),
    ]);

    const bumped = [...first.accounts, ...second.accounts].map((account) => account.userId).sort();
    expect(bumped).toEqual(users);
  });

  test('a person in a later page does not wait behind an open one', async () => {
    const { serviceId, users, changeId } = await crowd(2_500);
    await addAccounts(store.db, serviceId, users);
    const bumped: unknown[] = [];
    const interrupted: Database = {
      ...store.db,
      transaction: (work) =>
        store.db.transaction(async (client) => {
          const result = await work(client);
          bumped.push(await bumpQuickly(serviceId, users.at(-1) ?? ''));
          return result;
        }),
    };

    await expandChange(interrupted, changeId, { ...OPTIONS, maxPages: 1 });

    expect(bumped.length).toBeGreaterThan(0);
  });

  test('one statement over all accounts makes the person wait', async () => {
    // The negative control of the pages.
    const { serviceId, users } = await crowd(2_500);
    await addAccounts(store.db, serviceId, users);

    const waited = store.db.transaction(async (client) => {
      await client.query(`update accounts set wanted_version = nextval('version_seq') where service_id = $1`, [
        serviceId,
      ]);
      await bumpQuickly(serviceId, users.at(-1) ?? '');
    });

    await expect(waited).rejects.toMatchObject({ code: '55P03' });
  });

  /** Fails with 55P03 when it has to wait. */
  function bumpQuickly(serviceId: string, userId: string): Promise<unknown> {
    return store.other.transaction(async (client) => {
      await client.query(`set local lock_timeout = '200ms'`);
      return client.query(
        `update accounts set wanted_version = nextval('version_seq') where service_id = $1 and user_id = $2`,
        [serviceId, userId],
      );
    });
  }
});

describe('whom a change reaches', () => {
  test('a change of a person reaches every service they may use', async () => {
    const userId = await addUser(store.db);
    const granted = await addService(store.db);
    const other = await addService(store.db);
    await addGrant(store.db, granted, { user_id: userId });

    await makeChange(store.db, { kind: 'people', subject: { userId }, users: [userId], reasons: ['updateProfile'] });

    expect(await accountsOf(granted)).toEqual([userId]);
    expect(await accountsOf(other)).toEqual([]);
    expect(await accountRow(store.db, granted, userId)).toMatchObject({
      due_reasons: ['updateProfile'],
      status: 'none',
    });
  });

  test('a grant to a state reaches everybody in that state, and nobody else', async () => {
    const stateId = await addState(store.db);
    const inState = await addUser(store.db, { source_state_id: stateId });
    await addUser(store.db);
    const serviceId = await addService(store.db);
    await addGrant(store.db, serviceId, { state_id: stateId });

    await makeChange(store.db, { kind: 'grant', subject: { serviceId, stateId } });

    expect(await accountsOf(serviceId)).toEqual([inState]);
  });

  test('a service on request gets no accounts by itself', async () => {
    const userId = await addUser(store.db);
    const serviceId = await addService(store.db, { begins: 'on request' });
    await addGrant(store.db, serviceId, { user_id: userId });

    await makeChange(store.db, { kind: 'grant', subject: { serviceId, userId } });

    expect(await accountsOf(serviceId)).toEqual([]);
  });

  test('an inactive person gets no account, but their account becomes due', async () => {
    const serviceId = await addService(store.db, { hook_decides: true });
    const without = await addUser(store.db, { active: false });
    const leaver = await addUser(store.db, { active: false });
    await addAccount(store.db, { serviceId, userId: leaver });

    await makeChange(store.db, { kind: 'people', subject: {}, users: [without, leaver] });

    expect(await accountsOf(serviceId)).toEqual([leaver]);
    const row = await accountRow(store.db, serviceId, leaver);
    expect(row['wanted_version']).toBeGreaterThan(row['applied_version'] as number);
  });

  test('the members of a group that is deleted are still reached', async () => {
    const userId = await addUser(store.db);
    const groupId = await addGroup(store.db, [userId]);
    const serviceId = await addService(store.db);
    await addAccount(store.db, { serviceId, userId });
    await store.db.query(`delete from groups where id = $1`, [groupId]);

    await makeChange(store.db, { kind: 'group', subject: { groupId }, users: [userId] });

    const row = await accountRow(store.db, serviceId, userId);
    expect(row['wanted_version']).not.toBe(row['applied_version']);
  });

  test('the account of a person who was deleted becomes due', async () => {
    const userId = await addUser(store.db);
    const serviceId = await addService(store.db);
    await addAccount(store.db, { serviceId, userId }, { username: 'ada' });
    await store.db.query(`delete from users where id = $1`, [userId]);

    await makeChange(store.db, { kind: 'people', subject: { userId }, users: [userId] });

    const row = await accountRow(store.db, serviceId, userId);
    expect(row['username']).toBe('ada');
    expect(row['wanted_version']).not.toBe(row['applied_version']);
  });

  test('a tombstone rests until the right comes back', async () => {
    const serviceId = await addService(store.db);
    const userId = await addUser(store.db);
    await addAccount(store.db, { serviceId, userId }, { status: 'removed', remote_id: null });
    const change = { kind: 'people', subject: { userId }, users: [userId] } as const;

    await makeChange(store.db, change);
    const resting = await accountRow(store.db, serviceId, userId);
    await addGrant(store.db, serviceId, { user_id: userId });
    await makeChange(store.db, change);
    const woken = await accountRow(store.db, serviceId, userId);

    expect(resting['wanted_version']).toBe(resting['applied_version']);
    expect(woken['wanted_version']).not.toBe(woken['applied_version']);
  });

  test('where membership is set by group the remote groups become due', async () => {
    const serviceId = await addService(store.db, { membership: 'by group' });
    const userId = await addUser(store.db);
    const groupId = await addGroup(store.db);
    await makeChange(store.db, { kind: 'service', subject: { serviceId } });
    await store.db.query(`update remote_groups set applied_version = wanted_version where service_id = $1`, [
      serviceId,
    ]);
    await store.db.query(`insert into members (group_id, user_id) values ($1, $2)`, [groupId, userId]);

    await makeChange(store.db, { kind: 'people', subject: { userId }, users: [userId] });

    const due = await store.db.query(
      `select from remote_groups where service_id = $1 and wanted_version <> applied_version`,
      [serviceId],
    );
    expect(due.rowCount).toBe(1);
  });
});

describe('what a bump does to a next try', () => {
  test.each([
    ['rejected', 'infinity', null],
    ['staged', 'infinity', null],
    ['waiting', '2999-01-01T00:00:00Z', new Date('2999-01-01')],
  ])('an account that is %s with next try %s then has %s', async (attention, next_try, expected) => {
    const serviceId = await addService(store.db);
    const userId = await addUser(store.db);
    await addAccount(store.db, { serviceId, userId }, { attention, next_try });

    await makeChange(store.db, { kind: 'people', subject: { userId }, users: [userId] });

    const row = await accountRow(store.db, serviceId, userId);
    expect(row['next_try']).toEqual(expected);
  });

  test('a burst of changes keeps every reason and leaves one row', async () => {
    const serviceId = await addService(store.db);
    const userId = await addUser(store.db);
    await addAccount(store.db, { serviceId, userId });
    const change = { kind: 'people', subject: { userId }, users: [userId] } as const;

    await Promise.all([
      makeChange(store.db, { ...change, reasons: ['updateGroups'] }),
      makeChange(store.other, { ...change, reasons: ['updateProfile'] }),
      makeChange(store.db, { ...change, reasons: ['updateGroups', 'validateUser'] }),
    ]);

    const row = await accountRow(store.db, serviceId, userId);
    expect([...(row['due_reasons'] as string[])].sort()).toEqual(['updateGroups', 'updateProfile', 'validateUser']);
  });
});
