import { passwordPurpose } from '../../config/service-secrets';
import { Secret } from '../../sdk/index';
import type { HookMember } from '../../sdk/index';
import { requestAccount } from '../../store/account-requests';
import type { AccountRequestKind } from '../../store/account-requests';
import { readAccount } from '../../store/accounts';
import { addGrant, removeGrant } from '../../store/grants';
import { addMembers, createGroup, deleteGroup, removeMembers, renameGroup } from '../../store/groups';
import { updateService } from '../../store/services';
import type { ServiceRecord, ServiceSettings } from '../../store/services';
import { stateIdByName, updateState } from '../../store/states';
import { createUser, deleteUser, updateUser } from '../../store/users';
import type { UserFields } from '../../store/users';
import { openHookedServices } from './hooked-services';
import type { HookedServices } from './hooked-services';
import { BY } from './organisation';
import { recording, recordingHook } from './recording-hook';
import { ScriptedTarget, scriptedConnector } from './scripted-target';

/** The members whose override takes the place of a workflow; each has a service of its own, with a manager and without. */
const MEMBERS = [
  'createAccount',
  'deleteUser',
  'validateUser',
  'updateGroups',
  'updateGroupsBulk',
  'updateProfile',
  'syncNickname',
  'syncNicknamesBulk',
  'setPassword',
  'resetPassword',
] as const satisfies readonly HookMember[];
type Member = (typeof MEMBERS)[number];

const GROUPS: readonly Member[] = ['updateGroups', 'updateGroupsBulk'];
const PROFILE: readonly Member[] = ['updateProfile', 'syncNickname', 'syncNicknamesBulk'];

const record = recording();
const kindOf = (member: Member, manager: boolean): string => `${member.toLowerCase()}-${manager ? 'managed' : 'bare'}`;
const KINDS = MEMBERS.flatMap((member) =>
  [true, false].map((manager) => ({ member, manager, kind: kindOf(member, manager) })),
);

let system: HookedServices;
const services: ServiceRecord[] = [];
let people = 0;

beforeAll(async () => {
  const connectors = KINDS.map(({ member, manager, kind }) =>
    scriptedConnector(new ScriptedTarget(), { kind, manager, hook: recordingHook(record, [member]) }),
  );
  system = await openHookedServices([...connectors, scriptedConnector(new ScriptedTarget(), { kind: 'plain' })]);
  for (const { kind } of [...KINDS, { kind: 'plain' }]) {
    const service = await system.addService(kind, kind);
    services.push(service);
    for (const state of ['Member', 'Blue']) {
      const id = await stateIdByName(system.db, state);
      await system.send(await addGrant(system.db, { serviceId: service.id, subject: { kind: 'state', id } }, BY));
    }
  }
});
afterEach(() => system.clear());
afterAll(() => system.close());

/** A person with a settled account on every service; nothing of that counts. */
async function settledPerson(): Promise<{ readonly id: string; readonly username: string }> {
  people += 1;
  const username = `person-${people}`;
  const written = await createUser(system.db, { username, state: 'Member' }, BY);
  await system.send(written);
  await system.settle(written.record.id);
  forget();
  return { id: written.record.id, username };
}

function forget(): void {
  record.calls.length = 0;
  system.started.length = 0;
}

/** Which members were called, each on both of its services and nowhere else. */
function membersCalled(): readonly Member[] {
  const called = new Set(record.calls.map((call) => `${call.service} ${call.member}`));
  const both = MEMBERS.filter((member) =>
    [true, false].every((manager) => called.has(`${kindOf(member, manager)} ${member}`)),
  );
  expect(called.size).toBe(both.length * 2);
  return both;
}

async function alterServices(alter: (service: ServiceRecord) => ServiceSettings): Promise<void> {
  for (const { name } of services) await system.send(await updateService(system.db, { name, alter }, BY));
}

const changed = (fields: UserFields) => async (id: string) =>
  system.send(await updateUser(system.db, id, { fields, by: BY }));

interface Trigger {
  readonly title: string;
  readonly calls: readonly Member[];
  readonly act: (userId: string) => Promise<void>;
}

const group = async (name: string): Promise<string> => (await createGroup(system.db, name, BY)).record.id;

const TRIGGERS: readonly Trigger[] = [
  {
    title: 'joining a group',
    calls: ['validateUser', ...GROUPS],
    act: async (id) =>
      system.send(await addMembers(system.db, { groupId: await group('joined'), userIds: [id], by: BY })),
  },
  {
    title: 'leaving a group',
    calls: ['validateUser', ...GROUPS],
    act: async (id) => {
      const groupId = await group('left');
      await system.send(await addMembers(system.db, { groupId, userIds: [id], by: BY }));
      await system.settle(id);
      forget();
      await system.send(await removeMembers(system.db, { groupId, userIds: [id], by: BY }));
    },
  },
  {
    title: 'the rename of a group',
    calls: GROUPS,
    act: async (id) => {
      const groupId = await group('renamed');
      await system.send(await addMembers(system.db, { groupId, userIds: [id], by: BY }));
      await system.settle(id);
      forget();
      await system.send(await renameGroup(system.db, groupId, { name: 'renamed-now', by: BY }));
    },
  },
  {
    title: 'the deletion of a group',
    calls: ['validateUser', ...GROUPS],
    act: async (id) => {
      const groupId = await group('deleted');
      await addMembers(system.db, { groupId, userIds: [id], by: BY });
      await system.send(await deleteGroup(system.db, groupId, BY));
    },
  },
  { title: 'another state', calls: ['validateUser', ...GROUPS], act: changed({ state: 'Blue' }) },
  { title: 'another display name', calls: PROFILE, act: changed({ displayName: 'Somebody Else' }) },
  { title: 'another e-mail address', calls: PROFILE, act: changed({ email: 'else@example.org' }) },
  { title: 'another attribute', calls: PROFILE, act: changed({ attributes: { team: 'engines' } }) },
  { title: 'a rename', calls: PROFILE, act: async (id) => changed({ username: `renamed-${id}` })(id) },
  {
    title: 'the mapping',
    calls: GROUPS,
    act: () => alterServices((service) => ({ ...service, mapping: { reserved: [`r-${people}`] } })),
  },
  {
    title: 'the name format',
    calls: PROFILE,
    act: () => alterServices((service) => ({ ...service, nameFormat: `{username}-${people}` })),
  },
  {
    title: 'the configuration of the service',
    calls: [...GROUPS, ...PROFILE],
    act: () => alterServices((service) => ({ ...service, config: { changed: people } })),
  },
  {
    title: 'the rule of a state',
    calls: ['validateUser', ...GROUPS],
    act: async () => {
      const id = await stateIdByName(system.db, 'Blue');
      const groupId = await group(`blue-${people}`);
      await system.send(await updateState(system.db, id, { fields: { groupIds: [groupId] }, by: BY }));
    },
  },
  { title: 'the deactivation of a person', calls: ['deleteUser', 'validateUser'], act: changed({ active: false }) },
  {
    title: 'the deletion of a person',
    calls: ['deleteUser'],
    act: async (id) => system.send(await deleteUser(system.db, id, BY)),
  },
];

describe('every trigger goes through the hook', () => {
  test.each(TRIGGERS)('$title calls exactly the members it concerns', async ({ calls, act }) => {
    const { id } = await settledPerson();

    await act(id);

    expect(membersCalled()).toEqual(MEMBERS.filter((member) => calls.includes(member)));
  });

  test.each(TRIGGERS)('$title starts a workflow where nothing is overridden', async ({ act }) => {
    const { id } = await settledPerson();

    await act(id);

    expect(system.started).toContainEqual(expect.stringMatching(new RegExp(`^\\w+ plain ${id}$`)));
    expect(system.started).not.toContainEqual(expect.stringContaining('-bare'));
  });

  test('a new person is created by the override', async () => {
    await system.send(await createUser(system.db, { username: 'new-one', state: 'Member' }, BY));

    expect(membersCalled()).toContain('createAccount');
    expect(record.calls.filter((call) => call.member === 'createAccount')).toEqual([
      expect.objectContaining({ users: ['new-one'] }),
      expect.objectContaining({ users: ['new-one'] }),
    ]);
  });

  test('a grant validates who has an account and creates who has none', async () => {
    const { id } = await settledPerson();
    const granted = [];
    for (const service of services)
      granted.push(await addGrant(system.db, { serviceId: service.id, subject: { kind: 'user', id } }, BY));
    for (const written of granted) await system.send(written);
    expect(membersCalled()).toEqual(['validateUser']);

    forget();
    await system.settle(id);
    for (const { record: grant } of granted) await system.send(await removeGrant(system.db, grant.id, BY));
    expect(membersCalled()).toEqual(['validateUser']);
  });

  test('what a lost message left due is found by the sweep', async () => {
    const { id } = await settledPerson();
    await updateUser(system.db, id, { fields: { displayName: 'Nobody Was Told' }, by: BY });
    expect(record.calls).toEqual([]);

    await system.sweep();

    expect(membersCalled()).toEqual(MEMBERS.filter((member) => PROFILE.includes(member)));
  });

  const ACTIONS: readonly (readonly [AccountRequestKind, readonly Member[]])[] = [
    ['validateUser', ['validateUser']],
    ['updateGroups', GROUPS],
    ['updateProfile', ['updateProfile']],
    ['syncNickname', ['syncNickname', 'syncNicknamesBulk']],
    ['deleteAccount', ['deleteUser']],
  ];
  test.each(ACTIONS)('the admin action %s on one person calls its override', async (kind, calls) => {
    const { id } = await settledPerson();
    for (const { id: serviceId } of services) {
      await requestAccount(system.db, { serviceId, userId: id, kind, actor: 'client:test' });
      await system.flow.accountDue(serviceId, id);
    }

    expect(membersCalled()).toEqual(MEMBERS.filter((member) => calls.includes(member)));
  });

  test('a person who activates a service is created by the override', async () => {
    await alterServices((service) => ({ ...service, begins: 'on request' }));
    const written = await createUser(system.db, { username: 'on-request', state: 'Member' }, BY);
    await system.send(written);
    forget();

    for (const { id: serviceId } of services) {
      await requestAccount(system.db, {
        serviceId,
        userId: written.record.id,
        kind: 'createAccount',
        actor: `user:${written.record.id}`,
      });
      await system.flow.accountDue(serviceId, written.record.id);
    }

    expect(membersCalled()).toEqual(['createAccount']);
    await alterServices((service) => ({ ...service, begins: 'automatic' }));
  });

  test('a bulk action calls the bulk override once, with everybody', async () => {
    const selected = [await settledPerson(), await settledPerson(), await settledPerson()];
    forget();

    for (const service of services) {
      await system.runSync(
        service,
        'groups',
        selected.map((person) => person.id),
      );
      await system.runSync(
        service,
        'nicknames',
        selected.map((person) => person.id),
      );
    }

    const everybody = selected.map((person) => person.username).sort();
    for (const member of ['updateGroupsBulk', 'syncNicknamesBulk'] as const) {
      const bulk = record.calls.filter((call) => call.member === member);
      expect(bulk.map((call) => call.users)).toEqual([everybody, everybody]);
    }
    const single = record.calls.filter((call) => call.member === 'updateGroups');
    expect(single).toHaveLength(2 * selected.length);
  });

  test('a password goes to the override as a secret, and nothing is left to claim', async () => {
    const { id } = await settledPerson();
    for (const { id: serviceId } of services) {
      const password = {
        sealed: system.sealer.seal('hunter2-chosen', passwordPurpose(serviceId, id)),
        generated: false,
      };
      await requestAccount(system.db, { serviceId, userId: id, kind: 'setPassword', actor: 'client:test', password });
      await system.flow.accountDue(serviceId, id);
    }

    expect(membersCalled()).toEqual(['setPassword']);
    const secrets = record.calls.map((call) => call.args[1]);
    expect(secrets.map((secret) => secret instanceof Secret && secret.reveal())).toEqual([
      'hunter2-chosen',
      'hunter2-chosen',
    ]);
    const left = await system.db.query(`select sealed from password_requests p join services s on s.id = p.service_id
      where s.name like 'setpassword-%' and sealed is not null`);
    expect(left.rows).toEqual([]);
  });

  test('a reset goes to the override, and our random password is erased', async () => {
    const { id } = await settledPerson();
    for (const { id: serviceId } of services) {
      const password = { sealed: system.sealer.seal('random', passwordPurpose(serviceId, id)), generated: true };
      await requestAccount(system.db, { serviceId, userId: id, kind: 'resetPassword', actor: 'client:test', password });
      await system.flow.accountDue(serviceId, id);
    }

    expect(membersCalled()).toEqual(['resetPassword']);
    const bare = services.find((service) => service.name === 'resetpassword-bare');
    const account = await readAccount(system.db, bare?.id ?? '', id);
    expect(account).toMatchObject({ due: false, status: 'active' });
  });
});
