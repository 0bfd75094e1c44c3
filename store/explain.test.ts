import {
  addAccount,
  addGrant,
  addGroup,
  addService,
  addState,
  addUser,
  makeChange,
  openTestStore,
  unique,
} from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { requestAccount } from './account-requests';
import { countAccounts, listAccounts, readAccount } from './accounts';
import { explainAccount } from './explain';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

interface Person {
  readonly serviceId: string;
  readonly userId: string;
}

async function person(columns: Parameters<typeof addService>[1] = {}): Promise<Person> {
  return { serviceId: await addService(store.db, columns), userId: await addUser(store.db) };
}

async function granted(columns: Parameters<typeof addService>[1] = {}): Promise<Person> {
  const facts = await person(columns);
  await addGrant(store.db, facts.serviceId, { user_id: facts.userId });
  return facts;
}

function explain(request: Person & { readonly hookFormat?: string }) {
  return explainAccount(store.db, request);
}

describe('why an account is wanted', () => {
  test('every grant that gives the right is named', async () => {
    const facts = await person({ name: 'wiki' });
    const stateId = await addState(store.db, { name: 'Blue member' });
    await store.db.query(`update users set source_state_id = $2, username = 'ada' where id = $1`, [
      facts.userId,
      stateId,
    ]);
    const groupId = await addGroup(store.db, [facts.userId]);
    await store.db.query(`update groups set name = 'pilots' where id = $1`, [groupId]);
    await addGrant(store.db, facts.serviceId, { user_id: facts.userId });
    await addGrant(store.db, facts.serviceId, { group_id: groupId });
    await addGrant(store.db, facts.serviceId, { state_id: stateId });
    await addGrant(store.db, facts.serviceId, { group_id: await addGroup(store.db) });

    const told = await explain(facts);

    expect(told.grants.map((grant) => `${grant.kind} ${grant.subject}`)).toEqual([
      'group pilots',
      'state Blue member',
      'user ada',
    ]);
    expect(told).toMatchObject({
      wanted: true,
      entitled: true,
      service: 'wiki',
      username: 'ada',
      person: { active: true, state: 'Blue member' },
    });
    expect(told.why).toBe(
      'Yes: granted to group pilots, granted to state Blue member, granted to user ada, and accounts begin automatically.',
    );
  });

  test('a person without a grant is told so', async () => {
    expect(await explain(await person())).toMatchObject({
      wanted: false,
      entitled: false,
      why: expect.stringContaining('no grant'),
    });
  });

  test('on request nothing is wanted before somebody asks', async () => {
    const facts = await granted({ begins: 'on request' });
    expect(await explain(facts)).toMatchObject({ wanted: false, why: expect.stringContaining('nobody has asked') });

    await requestAccount(store.db, { ...facts, kind: 'createAccount', actor: 'client:test' });

    expect(await explain(facts)).toMatchObject({
      wanted: true,
      choice: 'wanted',
      why: expect.stringContaining('was asked for'),
    });
  });

  test('an account that was declined is not wanted', async () => {
    const facts = await granted();
    await addAccount(store.db, facts, { choice: 'declined' });

    expect(await explain(facts)).toMatchObject({
      wanted: false,
      entitled: true,
      why: expect.stringContaining('declined'),
    });
  });

  test.each([
    [`update services set enabled = false where id = $1`, 'serviceId', 'switched off'],
    [`update users set active = false where id = $1`, 'userId', 'not active'],
    [`delete from users where id = $1`, 'userId', 'gone'],
  ] as const)('after "%s" it says why not', async (statement, key, word) => {
    const facts = await granted();
    await store.db.query(statement, [facts[key]]);

    expect(await explain(facts)).toMatchObject({ wanted: false, why: expect.stringContaining(word) });
  });

  test('an unknown service is not found', async () => {
    await expect(
      explain({ serviceId: '00000000-0000-7000-8000-000000000000', userId: await addUser(store.db) }),
    ).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('what an account looks like and why', () => {
  test('the name says which format gave it', async () => {
    const facts = await granted({ name_formats: { Guest: 'guest-{username}' }, name_format: '{username}' });
    await store.db.query(`update users set username = 'grace' where id = $1`, [facts.userId]);
    await addAccount(store.db, facts, { remote_name: 'grace-2' });
    await store.db.query(`insert into account_names (service_id, name, user_id) values ($1, 'grace-2', $2)`, [
      facts.serviceId,
      facts.userId,
    ]);

    const told = await explain(facts);

    expect(told.name).toMatchObject({
      remoteName: 'grace-2',
      reserved: ['grace-2'],
      format: 'guest-{username}',
      formatted: 'guest-grace',
      from: 'name format of state Guest',
    });
  });

  test("the connector's format holds where the service has none", async () => {
    const told = await explain({ ...(await granted()), hookFormat: '{displayName}' });

    expect(told.name).toMatchObject({ format: '{displayName}', from: 'name format of the connector' });
  });

  test('groups say from where they come, and what is missing or too much', async () => {
    const facts = await granted({ membership: 'by account' });
    const wantedName = unique('wanted');
    const staleName = unique('stale');
    const wanted = await addGroup(store.db, [facts.userId]);
    const stale = await addGroup(store.db);
    await store.db.query(`update groups set name = case id when $1 then $2 else $4 end where id in ($1, $3)`, [
      wanted,
      wantedName,
      stale,
      staleName,
    ]);
    await makeChange(store.db, { kind: 'service', subject: { serviceId: facts.serviceId } });
    const remote = await store.db.query<{ id: string }>(
      `select id from remote_groups where service_id = $1 and name = $2`,
      [facts.serviceId, staleName],
    );
    await store.db.query(`update accounts set applied_groups = array[$2::uuid] where user_id = $1`, [
      facts.userId,
      remote.rows[0]?.id,
    ]);

    const { groups } = await explain(facts);

    expect(groups).toMatchObject({ membership: 'by account', missing: [wantedName], surplus: [staleName] });
    expect(groups.desired).toMatchObject([
      { name: wantedName, because: [{ kind: 'group', name: wantedName, rule: expect.stringContaining('template') }] },
    ]);
    expect(groups.applied).toMatchObject([{ name: staleName, because: [] }]);
  });
});

describe('what an account waits for', () => {
  const DUE = { wanted_version: 2, applied_version: 1 };
  const future = new Date(Date.now() + 600_000);

  test.each([
    ['nothing is due', {}, {}, 'Nothing is to be done.'],
    ['due', DUE, {}, 'At once: it is due.'],
    ['leased', { ...DUE, lease_holder: 'x', lease_until: future }, {}, 'It is being written now.'],
    ['rejected', { ...DUE, attention: 'rejected', next_try: 'infinity' }, {}, 'The service refuses it'],
    ['staged', { ...DUE, attention: 'staged', next_try: 'infinity' }, {}, 'The guard waits'],
    [
      'waiting',
      {
        ...DUE,
        attention: 'waiting',
        next_try: future,
        failures: 3,
        last_error: { kind: 'unavailable', message: 'no answer' },
      },
      {},
      'It waits after 3 failures: no answer.',
    ],
    [
      'paused',
      DUE,
      { paused_reason: 'credentials', paused_detail: 'bad token' },
      'The service is paused (credentials: bad token).',
    ],
    ['blocked', DUE, { blocked_until: future }, 'The service asked everybody to wait.'],
  ])('when %s it says so', async (...[, account, service, why]) => {
    const facts = await granted(service);
    await addAccount(store.db, facts, account);

    expect((await explain(facts)).nextTry.why).toContain(why);
  });

  test('a waiting account tells the time of the next try', async () => {
    const facts = await granted();
    await addAccount(store.db, facts, { ...DUE, attention: 'waiting', next_try: future });

    expect((await explain(facts)).nextTry.at).toEqual(future);
  });

  test('a change that is not expanded yet is told', async () => {
    const facts = await granted();
    await store.db.query(
      `with c as (insert into changes (kind, reasons, actor) values ('people', '{}', 'client:test') returning id)
      insert into change_users select id, $1 from c`,
      [facts.userId],
    );

    expect((await explain(facts)).nextTry.why).toContain('A change has just been made');
  });

  test('what was done and who asked stand with it', async () => {
    const facts = await granted();
    await addAccount(store.db, facts, { last_outcome: 'done', last_write_at: new Date() });
    await store.db.query(
      `insert into events (service_id, user_id, step, data) values ($1, $2, 'done', '{"did": ["created"]}')`,
      [facts.serviceId, facts.userId],
    );
    await requestAccount(store.db, { ...facts, kind: 'updateGroups', actor: 'client:admin', reason: 'asked by phone' });

    const told = await explain(facts);

    expect(told.account).toMatchObject({ lastOutcome: 'done', lastWriteAt: expect.any(Date) });
    expect(told.events).toMatchObject([{ step: 'done', data: { did: ['created'] } }]);
    expect(told.operations).toMatchObject([{ kind: 'updateGroups', actor: 'client:admin', reason: 'asked by phone' }]);
  });
});

describe('lists of accounts', () => {
  async function crowd(): Promise<string> {
    const serviceId = await addService(store.db);
    for (const [username, columns] of Object.entries({
      ada: {},
      bob: { status: 'disabled' },
      a_b: { attention: 'rejected', next_try: 'infinity', wanted_version: 9 },
      bxb: {},
      zoe: { remote_name: 'Ada-2' },
    })) {
      await addAccount(store.db, { serviceId, userId: await addUser(store.db) }, { username, ...columns });
    }
    return serviceId;
  }

  test('pages go by username and leave out nobody', async () => {
    const serviceId = await crowd();
    const names: string[] = [];

    for (let page = await listAccounts(store.db, { serviceId, limit: 2 }); page.length > 0;) {
      names.push(...page.map((account) => account.username));
      page = await listAccounts(store.db, { serviceId, limit: 2, after: page.at(-1) });
    }

    expect(names.toSorted()).toEqual(['a_b', 'ada', 'bob', 'bxb', 'zoe']);
  });

  test.each([
    [{ q: 'ADA' }, ['ada', 'zoe']],
    [{ q: 'a_b' }, ['a_b']],
    [{ status: 'disabled' }, ['bob']],
    [{ attention: 'rejected' }, ['a_b']],
    [{ q: `'; drop table users` }, []],
  ] as const)('%j finds %j', async (filter, expected) => {
    const found = await listAccounts(store.db, { serviceId: await crowd(), limit: 10, ...filter });

    expect(found.map((account) => account.username).toSorted()).toEqual(expected);
  });

  test('a next try that never comes reads as never', async () => {
    const serviceId = await crowd();
    const [rejected] = await listAccounts(store.db, { serviceId, attention: 'rejected', limit: 1 });

    expect(rejected).toMatchObject({ nextTry: 'never', due: true });
    expect(await readAccount(store.db, serviceId, rejected?.userId ?? '')).toEqual(rejected);
  });

  test('the counts of a service stand by status', async () => {
    const counted = await countAccounts(store.db, await crowd());

    expect(counted).toMatchObject({ accounts: { active: 4, disabled: 1 }, failed: 1, due: 0 });
  });
});
