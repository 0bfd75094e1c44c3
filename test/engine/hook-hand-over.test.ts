import { ServiceHook, Unavailable } from '../../sdk/index';
import type { HookContext, HookUser } from '../../sdk/index';
import { readAccount } from '../../store/accounts';
import type { Account } from '../../store/accounts';
import { addGrant } from '../../store/grants';
import type { ServiceRecord } from '../../store/services';
import { stateIdByName } from '../../store/states';
import { createUser, updateUser } from '../../store/users';
import type { UserFields } from '../../store/users';
import { openHookedServices } from './hooked-services';
import type { HookedServices } from './hooked-services';
import { BY } from './organisation';
import { recording, recordingHook } from './recording-hook';
import { ScriptedTarget, scriptedConnector } from './scripted-target';

const record = recording();
const doneByItself = record.behave;

/** Enables the service for Blues by the older question. */
class BlueHook extends ServiceHook {
  override serviceEnabledBlues(): boolean {
    return true;
  }
}

class MemberHook extends ServiceHook {
  override serviceEnabledMembers(): boolean {
    return true;
  }
}

/** Decides alone: whoever has an e-mail address. */
class MailHook extends ServiceHook {
  override async serviceActiveForUser(user: HookUser): Promise<boolean> {
    return user.email !== null;
  }
}

let system: HookedServices;
let services: Readonly<Record<'managed' | 'bare' | 'removing' | 'lost', ServiceRecord>>;

beforeAll(async () => {
  const target = new ScriptedTarget();
  const hook = recordingHook(record, ['createAccount', 'updateProfile', 'syncNicknamesBulk']);
  const remove = recordingHook(record, ['deleteUser']);
  const always = (make: new (context: HookContext) => ServiceHook) => (context: HookContext) => new make(context);
  system = await openHookedServices([
    scriptedConnector(target, { kind: 'managed', hook }),
    scriptedConnector(target, { kind: 'bare', hook, manager: false }),
    scriptedConnector(target, { kind: 'removing', hook: remove }),
    scriptedConnector(target, { kind: 'blue', hook: always(BlueHook) }),
    scriptedConnector(target, { kind: 'member', hook: always(MemberHook) }),
    scriptedConnector(target, { kind: 'mail', hook: always(MailHook) }),
  ]);
  const granted = async (kind: string): Promise<ServiceRecord> => {
    const service = await system.addService(kind, kind);
    const id = await stateIdByName(system.db, 'Member');
    await system.send(await addGrant(system.db, { serviceId: service.id, subject: { kind: 'state', id } }, BY));
    return service;
  };
  services = {
    managed: await granted('managed'),
    bare: await granted('bare'),
    removing: await granted('removing'),
    lost: await granted('not-loaded'),
  };
});
beforeEach(() => {
  record.behave = doneByItself;
});
afterEach(() => system.clear());
afterAll(() => system.close());

async function newPerson(fields: Omit<UserFields, 'username'> = {}): Promise<string> {
  record.calls.length = 0;
  system.started.length = 0;
  const written = await createUser(system.db, { username: 'ada', state: 'Member', ...fields }, BY);
  await system.send(written);
  return written.record.id;
}

async function change(userId: string, fields: UserFields): Promise<void> {
  record.calls.length = 0;
  system.started.length = 0;
  await system.send(await updateUser(system.db, userId, { fields, by: BY }));
}

async function accountOn(service: ServiceRecord, userId: string): Promise<Account> {
  const account = await readAccount(system.db, service.id, userId);
  if (account === undefined) throw new Error('there is no such account');
  return account;
}

const callsOn = (service: ServiceRecord, member: string): number =>
  record.calls.filter((call) => call.service === service.name && call.member === member).length;

/** The time of every backoff has come. */
async function letTimePass(): Promise<void> {
  await system.db.query(
    `update accounts set next_try = clock_timestamp() - interval '1 second' where next_try < 'infinity'`,
  );
}

describe('an override that does not call the base has done the work', () => {
  test.each(['managed', 'bare'] as const)('the account on the %s service is settled by it', async (kind) => {
    const ada = await newPerson();
    await system.settle(ada);

    await change(ada, { displayName: 'Ada L.' });

    expect(callsOn(services[kind], 'updateProfile')).toBe(1);
    expect(callsOn(services[kind], 'syncNicknamesBulk')).toBe(1);
    expect(await accountOn(services[kind], ada)).toMatchObject({ due: false, lastOutcome: 'done by the hook' });
    expect(system.started).not.toContainEqual(expect.stringContaining(` ${kind} `));
  });

  test('an account is created once, not at every change', async () => {
    const ada = await newPerson();
    expect(callsOn(services.bare, 'createAccount')).toBe(1);
    expect(await accountOn(services.bare, ada)).toMatchObject({ status: 'active', remoteName: 'ada' });

    await change(ada, { state: 'Blue' });
    await change(ada, { state: 'Member' });

    expect(callsOn(services.bare, 'createAccount')).toBe(1);
    expect(await accountOn(services.bare, ada)).toMatchObject({ status: 'active' });
  });

  test('who has no right is not created', async () => {
    const guest = await newPerson({ state: null });
    const inactive = await createUser(system.db, { username: 'bob', state: 'Member', active: false }, BY);
    await system.send(inactive);

    expect(record.calls).toEqual([]);
    expect(await readAccount(system.db, services.bare.id, guest)).toBeUndefined();
  });

  test('what it removed is a tombstone, and counted by the guard as done', async () => {
    const ada = await newPerson();
    await system.settle(ada);

    await change(ada, { active: false });

    expect(callsOn(services.removing, 'deleteUser')).toBe(1);
    expect(await accountOn(services.removing, ada)).toMatchObject({ due: false, status: 'removed', remoteId: null });
    const counted = await system.db.query(
      `select kind, done_at is not null as done from guard_taken where service_id = $1`,
      [services.removing.id],
    );
    expect(counted.rows).toEqual([{ kind: 'removal', done: true }]);
  });
});

describe('an override that calls the base hands on', () => {
  beforeEach(() => {
    record.behave = (_call, base) => base();
  });

  test('the workflow is started, and the account stays due for it', async () => {
    const ada = await newPerson();
    expect(callsOn(services.managed, 'createAccount')).toBe(1);
    expect(system.started).toContainEqual(`createAccount managed ${ada}`);
    expect(await accountOn(services.managed, ada)).toMatchObject({ due: true, nextTry: null, status: 'none' });

    await system.settle(ada);
    await change(ada, { displayName: 'Ada L.' });
    expect(callsOn(services.managed, 'updateProfile')).toBe(1);
    expect(system.started).toContainEqual(`updateProfile managed ${ada}`);
    expect(await accountOn(services.managed, ada)).toMatchObject({ due: true });
  });

  test('without a manager there is nobody to hand on to: it is settled', async () => {
    const ada = await newPerson();

    expect(await accountOn(services.bare, ada)).toMatchObject({ due: false, status: 'active' });
    expect(system.started).not.toContainEqual(expect.stringContaining(' bare '));
  });

  test('a bulk override that calls the base asks for one sync', async () => {
    const ada = await newPerson();
    await system.settle(ada);

    await change(ada, { displayName: 'Ada L.' });

    const syncs = await system.db.query(`select kind, actor from syncs where service_id = $1`, [services.managed.id]);
    expect(syncs.rows).toEqual([{ kind: 'nicknames', actor: 'hook:managed' }]);
  });

  test('a sync that the hook asked for does not go through the hook again', async () => {
    const ada = await newPerson();
    await system.settle(ada);
    await change(ada, { displayName: 'Ada L.' });
    record.calls.length = 0;

    await system.finishSyncs(services.managed);

    expect(record.calls).toEqual([]);
    const items = await system.db.query(`select count(*)::integer as open from sync_items where outcome is null`);
    expect(items.rows).toEqual([{ open: 0 }]);
  });
});

describe('an override that throws', () => {
  test('is called again with growing pauses until it is well', async () => {
    const ada = await newPerson();
    await system.settle(ada);
    record.behave = async () => {
      throw new Unavailable('the far side is away');
    };
    await change(ada, { displayName: 'Ada L.' });
    const first = await accountOn(services.managed, ada);
    expect(first).toMatchObject({
      due: true,
      attention: 'waiting',
      failures: 1,
      lastError: { kind: 'hook', message: 'the far side is away' },
    });

    await system.sweep();
    expect(callsOn(services.managed, 'syncNicknamesBulk')).toBe(1);
    await letTimePass();
    await system.sweep();
    expect(callsOn(services.managed, 'syncNicknamesBulk')).toBe(2);
    expect(await accountOn(services.managed, ada)).toMatchObject({ failures: 2 });

    record.behave = doneByItself;
    await letTimePass();
    await system.sweep();
    expect(await accountOn(services.managed, ada)).toMatchObject({
      due: false,
      attention: null,
      failures: 0,
      lastError: null,
    });
  });

  test('with an error nobody knows shows none of its text', async () => {
    const ada = await newPerson();
    await system.settle(ada);
    record.behave = async () => {
      throw new Error('login with hunter2 failed');
    };

    await change(ada, { displayName: 'Ada L.' });

    const account = await accountOn(services.managed, ada);
    expect(account).toMatchObject({ attention: 'waiting', lastError: { kind: 'hook' } });
    expect(JSON.stringify(account)).not.toContain('hunter2');
  });

  test('stops nobody else', async () => {
    const ada = await newPerson();
    const bob = await createUser(system.db, { username: 'bob', state: 'Member' }, BY);
    await system.send(bob);
    await system.settle(ada);
    await system.settle(bob.record.id);
    record.behave = async (call) => {
      if (call.users.includes('ada') && call.member === 'updateProfile') throw new Error('not ada');
      return undefined;
    };

    await change(ada, { displayName: 'A' });
    await change(bob.record.id, { displayName: 'B' });

    expect(await accountOn(services.managed, ada)).toMatchObject({ due: true });
    expect(await accountOn(services.managed, bob.record.id)).toMatchObject({ due: false });
  });
});

describe('what must not be lost', () => {
  test('a change while the hook works makes it called once more', async () => {
    const ada = await newPerson();
    await system.settle(ada);
    let changes = 0;
    record.behave = async (call) => {
      if (call.member === 'updateProfile' && call.service === 'managed' && changes === 0) {
        changes += 1;
        await updateUser(system.db, ada, { fields: { displayName: 'Later' }, by: BY });
        await system.sweep();
      }
      return undefined;
    };
    await change(ada, { displayName: 'Sooner' });

    await letTimePass();
    await system.sweep();

    expect(callsOn(services.managed, 'updateProfile')).toBe(2);
    const last = record.calls.filter((call) => call.member === 'updateProfile' && call.service === 'managed').at(-1);
    expect(last?.args[0]).toMatchObject({ displayName: 'Later' });
    expect(await accountOn(services.managed, ada)).toMatchObject({ due: false });
  });

  test('a connector that did not load settles nothing, and takes no right away', async () => {
    const ada = await newPerson();

    expect(await accountOn(services.lost, ada)).toMatchObject({ due: true, status: 'none' });
    expect(system.started).toContainEqual(`createAccount not-loaded ${ada}`);
  });

  test('the guard stands before the hook: the eleventh removal waits', async () => {
    const ids = [];
    for (let index = 0; index < 12; index += 1) {
      const written = await createUser(system.db, { username: `gone-${index}`, state: 'Member' }, BY);
      await system.send(written);
      await system.settle(written.record.id);
      ids.push(written.record.id);
    }
    record.calls.length = 0;

    for (const id of ids) await system.send(await updateUser(system.db, id, { fields: { active: false }, by: BY }));

    expect(callsOn(services.removing, 'deleteUser')).toBe(10);
    expect(await accountOn(services.removing, ids[11] ?? '')).toMatchObject({ status: 'active', attention: 'staged' });
  });
});

describe('the hook decides who has the right', () => {
  test.each([
    ['blue', 'Blue', 'Member'],
    ['member', 'Member', 'Blue'],
  ] as const)('the older question of %s enables the service for %s and not for %s', async (kind, entitled, other) => {
    const service = await system.addService(`${kind}-service`, kind);
    const ada = await newPerson({ state: entitled });
    const bob = await createUser(system.db, { username: 'bob', state: other }, BY);
    await system.send(bob);

    expect(await accountOn(service, ada)).toMatchObject({ due: true });
    expect(await readAccount(system.db, service.id, bob.record.id)).toBeUndefined();
  });

  test('a hook that decides alone is asked about everybody', async () => {
    const service = await system.addService('mail-service', 'mail');
    const ada = await newPerson({ email: 'ada@example.org' });

    expect(await accountOn(service, ada)).toMatchObject({ due: true });
    const facts = await system.db.query(`select hook_decides from services where id = $1`, [service.id]);
    expect(facts.rows).toEqual([{ hook_decides: true }]);
  });
});
