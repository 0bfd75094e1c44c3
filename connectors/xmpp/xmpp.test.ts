import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Secret } from '@muster/sdk';
import type { AccountRef, CallContext, GroupRef } from '@muster/sdk';
import { XmppManager } from './manager';
import { accountNames, fromLocalPart, groupLabels, toLocalPart } from './names';
import { XmppConfig } from './schema';
import { startEjabberd } from '../../test/connectors/ejabberd';
import type { Ejabberd } from '../../test/connectors/ejabberd';
import { describeWith } from '../../test/connectors/programs';

const OWNER = 'test:1';
const host = 'localhost';
const call = (): CallContext => ({ signal: AbortSignal.timeout(30_000), timeoutMs: 30_000 });

describeWith(['ejabberdctl', 'erl'], 'xmpp', () => {
  let server: Ejabberd;
  let manager: XmppManager;
  beforeAll(async () => {
    server = await startEjabberd();
    manager = new XmppManager(XmppConfig.parse(server.config));
  });
  afterAll(async () => {
    await manager.close();
    await server.stop();
  });

  async function create(name: string): Promise<AccountRef> {
    const key = { userId: randomUUID(), owner: OWNER };
    const profile = { name, nickname: 'Nick', displayName: '', email: null, attributes: {} };
    const made = await manager.createAccount({ key, profile }, call());
    if (made.outcome !== 'created') throw new Error(`not created but ${made.outcome}`);
    return { remoteId: made.remoteId, name: made.name, key };
  }

  async function group(name: string): Promise<GroupRef> {
    const key = { key: randomUUID(), owner: OWNER };
    const { remoteId } = await manager.ensureGroup({ ...key, name }, call());
    return { remoteId, name, ...key };
  }

  const members = (ref: GroupRef): Promise<unknown> => server.command('srg_get_members', { group: ref.remoteId, host });

  test.each([
    ['endSessions', (ref: AccountRef) => manager.endSessions(ref, call())],
    ['disableAccount', (ref: AccountRef) => manager.disableAccount(ref, call())],
    ['deleteAccount', (ref: AccountRef) => manager.deleteAccount(ref, call())],
  ])('%s hangs up on who is logged in', async (method, act) => {
    const ref = await create(method.toLowerCase());
    await manager.setPassword(ref, new Secret('right horse'), call());
    const session = await server.logIn(toLocalPart(ref.name), 'right horse');

    expect(await act(ref)).toBe('done');

    expect(await session.ended).toMatch(/<stream:error>/);
    expect(await manager.endSessions(ref, call())).toBe('nothing there');
  });

  test('who is disabled gets no new password, and no entry', async () => {
    const ref = await create('banned');
    await manager.setPassword(ref, new Secret('right horse'), call());

    await manager.disableAccount(ref, call());

    await expect(manager.setPassword(ref, new Secret('new horse'), call())).rejects.toMatchObject({ kind: 'rejected' });
    await expect(server.logIn('banned', 'right horse')).rejects.toThrow(/not-authorized/);
    await manager.enableAccount(ref, call());
    await manager.setPassword(ref, new Secret('new horse'), call());
    await server.logIn('banned', 'new horse');
  });

  test('names that no JID can have are escaped', async () => {
    const ref = await create(`o'brien & co <a@b:c/d> \\20`);

    const users = await server.command('registered_users', { host });

    expect(users).toContain('o\\27brien\\20\\26\\20co\\20\\3ca\\40b\\3ac\\2fd\\3e\\20\\5c20');
    expect((await manager.findAccount(ref.key, call()))?.name).toBe(ref.name);
  });

  test('the members of a group see each other, unless they are not to', async () => {
    const quiet = new XmppManager(XmppConfig.parse({ ...server.config, showMembers: false }));
    const open = await group('Open');
    const key = { key: randomUUID(), owner: OWNER };
    const closed = await quiet.ensureGroup({ ...key, name: 'Closed' }, call());

    const info = (id: string): Promise<unknown> => server.command('srg_get_info', { group: id, host });

    expect(await info(open.remoteId)).toContainEqual({ key: 'displayed_groups', value: open.remoteId });
    expect(JSON.stringify(await info(closed.remoteId))).not.toContain(closed.remoteId);
    await quiet.close();
  });

  test('somebody new with an old name is in none of the old groups', async () => {
    const crew = await group('Crew');
    const old = await create('reborn');
    await manager.changeMembers(crew, { add: [old], remove: [] }, call());

    await manager.deleteAccount(old, call());
    const fresh = await create('reborn');

    expect(await members(crew)).toEqual([]);
    await manager.changeMembers(crew, { add: [old], remove: [] }, call());
    expect(await members(crew)).toEqual([]);
    expect(await manager.findAccount(fresh.key, call())).toMatchObject({ remoteId: fresh.remoteId });
  });

  test('what a person writes into their own storage does not make them somebody else', async () => {
    const ref = await create('clever');
    const element = "<m xmlns='urn:muster:anything' v='e30'/>";
    await server.command('private_set', { user: 'clever', host, element });

    expect(await manager.deleteAccount(ref, call())).toBe('done');
  });

  test('an account that was taken away by hand is gone, and can be made again', async () => {
    const ref = await create('vanished');
    await server.command('unregister', { user: 'vanished', host });

    expect(await manager.findAccount(ref.key, call())).toBeUndefined();
    const profile = { name: 'vanished', nickname: '', displayName: '', email: null, attributes: {} };
    expect(await manager.createAccount({ key: ref.key, profile }, call())).toMatchObject({ outcome: 'created' });
  });

  test('a host that the server does not serve is misconfigured', async () => {
    const lost = new XmppManager(XmppConfig.parse({ ...server.config, host: 'elsewhere.example' }));
    const profile = { name: 'x', nickname: '', displayName: '', email: null, attributes: {} };

    const creating = lost.createAccount({ key: { userId: randomUUID(), owner: OWNER }, profile }, call());

    await expect(creating).rejects.toMatchObject({ kind: 'misconfigured', code: 'host' });
    await lost.close();
  });
});

describeWith(['ejabberdctl', 'erl'], 'xmpp with few rights', () => {
  test('the connection test names every command that is refused', async () => {
    const server = await startEjabberd(['check_account', 'registered_users', 'private_get']);
    const manager = new XmppManager(XmppConfig.parse(server.config));

    const report = await manager.testConnection(call());

    const refused =
      'check_password kick_user unregister change_password private_set srg_list srg_get_info srg_user_del';
    expect(report.missing.map((sentence) => sentence.split(' ')[2]).join(' ')).toBe(refused);
    await manager.close();
    await server.stop();
  });
});

test('a local part stands for one name', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b', '\\', ' ', '2', '5', 'c', '&', '@', '/', 'é'), maxLength: 12 }),
      (name) => {
        expect(fromLocalPart(toLocalPart(name))).toBe(name);
      },
    ),
    { numRuns: 500 },
  );
});

test.each([
  ['accounts', accountNames],
  ['groups', groupLabels],
])('cleaning a name of %s twice is cleaning it once', (_title, { clean }) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (name) => {
      expect(clean(clean(name))).toBe(clean(name));
    }),
    { numRuns: 300 },
  );
});
