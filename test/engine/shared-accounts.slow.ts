import { addMembers, createGroup, removeMembers } from '../../store/groups';
import { createUser, deleteUser, updateUser } from '../../store/users';
import { byGroupConnector, ByGroupTarget } from '../acceptance/by-group-target';
import { apiOf } from '../acceptance/engine-api';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { accountWhere, BY, eventually, grantMembers, settled } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';
import type { TargetAccount } from './scripted-target';

const RULE = { accounts: { sharedBy: '{attributes.main}' } };

const target = new ScriptedTarget();
const rooms = new ByGroupTarget();
let engine: TestEngine;
let voice: string;
beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target), byGroupConnector(rooms)) });
  voice = (await engine.addService({ name: 'voice', connector: 'scripted', mapping: RULE })).id;
  await grantMembers(engine, voice);
  const byGroup = await engine.addService({ name: 'rooms', connector: 'by-group', mapping: RULE });
  await grantMembers(engine, byGroup.id);
});
afterAll(() => engine?.close());

/** Somebody in the state Member whose main character is this one; in a group of their own. */
async function person(username: string, main: string): Promise<string> {
  const written = await createUser(engine.db, { username, state: 'Member', attributes: { main } }, BY);
  const group = await createGroup(engine.db, `of-${username}`, BY);
  await addMembers(engine.db, { groupId: group.record.id, userIds: [written.record.id], by: BY });
  await settled(engine, written);
  return written.record.id;
}

function accountsOf(main: string): readonly TargetAccount[] {
  return [...target.accounts.values()].filter(({ profile }) => profile.attributes['main'] === main);
}

async function groupsBecome(main: string, ...groups: readonly string[]): Promise<void> {
  await eventually(`the account of ${main} is in ${groups.join(', ')}`, async () => {
    return accountsOf(main)[0]?.groups.join() === groups.map((name) => `of-${name}`).join();
  });
}

test('people who share an account are one account in the groups of all', async () => {
  const [ada, alt] = [await person('ada', 'one'), await person('ada-alt', 'one')];

  await groupsBecome('one', 'ada', 'ada-alt');

  expect(accountsOf('one')).toHaveLength(1);
  expect(await accountWhere(engine, { serviceId: voice, userId: alt }, ({ due }) => !due)).toMatchObject({
    status: 'active',
    remoteId: null,
    lastOutcome: 'shares the account of somebody else',
  });
  expect(await accountWhere(engine, { serviceId: voice, userId: ada }, ({ due }) => !due)).toMatchObject({
    status: 'active',
    remoteId: accountsOf('one')[0]?.remoteId,
  });
});

test('who says nothing, or something else, has an account of their own', async () => {
  await person('ben', '');
  await person('ben-alt', '');
  await person('cy', 'other');

  await groupsBecome('other', 'cy');
  expect(accountsOf('')).toHaveLength(2);
});

test('many who begin at once make one account', async () => {
  const names = ['d1', 'd2', 'd3', 'd4'];

  await Promise.all(names.map((name) => person(name, 'crowd')));

  await groupsBecome('crowd', ...names);
  expect(
    target.calls.filter(({ method, name }) => method === 'createAccount' && /^d\d$/.test(name ?? '')),
  ).toHaveLength(1);
});

test('a membership that one of them loses is kept if another has it', async () => {
  const [eve, eva] = [await person('eve', 'two'), await person('eva', 'two')];
  const both = await createGroup(engine.db, 'of-both', BY);
  const groupId = both.record.id;
  await settled(engine, await addMembers(engine.db, { groupId, userIds: [eve, eva], by: BY }));
  await groupsBecome('two', 'both', 'eva', 'eve');

  await settled(engine, await removeMembers(engine.db, { groupId, userIds: [eve], by: BY }));
  await settled(engine, await updateUser(engine.db, eve, { fields: { displayName: 'Eve' }, by: BY }));
  expect(accountsOf('two')[0]?.groups).toContain('of-both');

  await settled(engine, await removeMembers(engine.db, { groupId, userIds: [eva], by: BY }));
  await groupsBecome('two', 'eva', 'eve');
});

test('the account goes when the last of them has gone', async () => {
  const [fay, flo, fox] = [await person('fay', 'three'), await person('flo', 'three'), await person('fox', 'three')];
  await groupsBecome('three', 'fay', 'flo', 'fox');
  const before = accountsOf('three')[0]?.remoteId;

  await settled(engine, await deleteUser(engine.db, fay, BY));
  await groupsBecome('three', 'flo', 'fox');
  await settled(engine, await deleteUser(engine.db, fox, BY));
  await groupsBecome('three', 'flo');
  expect(accountsOf('three').map(({ remoteId }) => remoteId)).toEqual([before]);

  await settled(engine, await deleteUser(engine.db, flo, BY));
  expect(accountsOf('three')).toEqual([]);
  const left = await engine.db.query(`select from shared_accounts where value = 'three'`);
  expect(left.rowCount).toBe(0);
});

test('a password that one of them asks for is that of the account', async () => {
  await person('gus', 'four');
  const second = await person('gus-alt', 'four');
  await groupsBecome('four', 'gus', 'gus-alt');

  const url = `/v1/services/voice/accounts/${second}/password`;
  await apiOf(engine).call('put', url).send({ password: 'Their-secret-1' }).expect(202);

  await eventually('the password is set', async () => accountsOf('four')[0]?.password === 'Their-secret-1');
});

test('where members are kept by group, the shared account is in the groups of all', async () => {
  await person('hal', 'five');
  const alt = await person('hal-alt', 'five');
  await eventually('both groups have it', async () => {
    return (
      rooms.members('of-hal').length === 1 && rooms.members('of-hal-alt').join() === rooms.members('of-hal').join()
    );
  });

  await settled(engine, await deleteUser(engine.db, alt, BY));

  await eventually('the group of who left has lost it', async () => rooms.members('of-hal-alt').length === 0);
  expect(rooms.members('of-hal')).toHaveLength(1);
});

test('a rule with a word that is not known is refused', async () => {
  const body = { mapping: { accounts: { sharedBy: '{mainCharacter}' } } };

  const refused = await apiOf(engine).call('patch', '/v1/services/voice').send(body).expect(422);

  expect(refused.body.errors).toMatchObject([{ pointer: '/mapping/accounts/sharedBy' }]);
});
