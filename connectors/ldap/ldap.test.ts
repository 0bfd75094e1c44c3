import { randomUUID } from 'node:crypto';
import { Secret } from '@muster/sdk';
import type { AccountRef, CallContext, GroupRef, NewAccount, RemoteAccount } from '@muster/sdk';
import { startTcpProxy } from '@muster/sdk/conformance';
import { LdapManager } from './manager';
import { LdapConfig } from './schema';
import { TEST_CERTIFICATES } from '../../test/connectors/certificates';
import { describeWith } from '../../test/connectors/programs';
import { startSlapd } from '../../test/connectors/slapd';
import type { Slapd, SlapdOptions } from '../../test/connectors/slapd';

const OWNER = 'test:1';
const managers: LdapManager[] = [];
const servers: Slapd[] = [];

afterAll(async () => {
  await Promise.all(managers.map((manager) => manager.close()));
  await Promise.all(servers.map((server) => server.stop()));
});

async function slapdWith(options: SlapdOptions = {}): Promise<Slapd> {
  const slapd = await startSlapd(options);
  servers.push(slapd);
  return slapd;
}

function managerOf(slapd: Slapd, config: Partial<LdapConfig> = {}): LdapManager {
  const manager = new LdapManager(LdapConfig.parse({ ...slapd.config, ...config }));
  managers.push(manager);
  return manager;
}

const call = (): CallContext => ({ signal: AbortSignal.timeout(30_000), timeoutMs: 30_000 });

function person(name: string, profile: Partial<NewAccount['profile']> = {}): NewAccount {
  const base = { name, nickname: '', displayName: `Ada ${name}`, email: `${name}@example.org`, attributes: {} };
  return { key: { userId: randomUUID(), owner: OWNER }, profile: { ...base, ...profile } };
}

async function create(manager: LdapManager, account: NewAccount): Promise<AccountRef> {
  const made = await manager.createAccount(account, call());
  if (made.outcome !== 'created') throw new Error(`not created but ${made.outcome}`);
  return { remoteId: made.remoteId, name: made.name, key: account.key };
}

async function group(manager: LdapManager, name: string): Promise<GroupRef> {
  const key = { key: randomUUID(), owner: OWNER };
  const { remoteId } = await manager.ensureGroup({ ...key, name }, call());
  return { remoteId, name, ...key };
}

async function membersOf(slapd: Slapd, name: string): Promise<readonly string[]> {
  const [found] = await slapd.search(slapd.groupBase, `(cn=${name})`);
  return [...(found?.attributes.get('member') ?? [])].map((dn) => dn.split(',')[0] ?? '').sort();
}

describeWith(['slapd', 'ldapsearch'], 'ldap with memberof and refint', () => {
  let slapd: Slapd;
  let manager: LdapManager;
  beforeAll(async () => {
    slapd = await slapdWith();
    manager = managerOf(slapd);
  });

  test('the last member leaves a placeholder that the next one replaces', async () => {
    const [ada, bob] = [await create(manager, person('last-a')), await create(manager, person('last-b'))];
    const crew = await group(manager, 'last');

    const seen = [await membersOf(slapd, 'last')];
    for (const change of [
      { add: [ada, bob], remove: [] },
      { add: [], remove: [ada] },
      { add: [], remove: [bob] },
      { add: [ada], remove: [bob] },
    ]) {
      await manager.changeMembers(crew, change, call());
      seen.push(await membersOf(slapd, 'last'));
    }

    expect(seen).toEqual([['cn=nobody'], ['uid=last-a', 'uid=last-b'], ['uid=last-b'], ['cn=nobody'], ['uid=last-a']]);
  });

  test('the directory shows the groups of a person by memberOf', async () => {
    const ada = await create(manager, person('shown'));
    await manager.changeMembers(await group(manager, 'shown group'), { add: [ada], remove: [] }, call());

    const [entry] = await slapd.search(slapd.userBase, '(uid=shown)');
    expect(entry?.attributes.get('memberof')).toEqual([`cn=shown group,${slapd.groupBase}`]);
  });

  test('who leaves at the same moment is out, and the group is never empty', async () => {
    const people = await Promise.all(['x', 'y', 'z'].map((each) => create(manager, person(`rush-${each}`))));
    const crew = await group(manager, 'rush');
    await manager.changeMembers(crew, { add: people, remove: [] }, call());

    const leaving = people.map((each) => manager.changeMembers(crew, { add: [], remove: [each] }, call()));
    const failed = (await Promise.allSettled(leaving)).flatMap((each) =>
      each.status === 'rejected' ? [(each.reason as { kind: string }).kind] : [],
    );
    for (const each of people) await manager.changeMembers(crew, { add: [], remove: [each] }, call());

    expect(failed.filter((kind) => kind !== 'unavailable')).toEqual([]);
    expect(await membersOf(slapd, 'rush')).toEqual(['cn=nobody']);
  });

  test('a renamed person stays in their groups', async () => {
    const account = person('before');
    const ref = await create(manager, account);
    await manager.changeMembers(await group(manager, 'moving'), { add: [ref], remove: [] }, call());

    await manager.updateAccount(ref, { ...account.profile, name: 'after' }, call());

    expect(await membersOf(slapd, 'moving')).toEqual(['uid=after']);
  });

  test('names with all that DNs and filters know are kept as they are', async () => {
    const name = 'a,b+c"d\\e<f>g;h=i#j*(k)(uid=*)';
    const ref = await create(manager, person(name));
    const account = person('#first');
    const other = await create(manager, account);

    await manager.updateAccount(other, { ...account.profile, name: '#,second' }, call());
    const found = await manager.findAccount(ref.key, call());

    expect(found).toMatchObject({ name, userId: ref.key.userId, owner: OWNER, enabled: true });
    expect((await manager.findAccount(other.key, call()))?.name).toBe('#,second');
    expect(await manager.deleteAccount(ref, call())).toBe('done');
  });

  test('a listing of more than a page tells of everybody once, with their groups', async () => {
    const entries = Array.from(
      { length: 1100 },
      (_each, index) =>
        `dn: uid=bulk${index},${slapd.userBase}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: bulk${index}\ncn: x\nsn: x\n`,
    );
    await slapd.apply(entries.join('\n'));
    const ada = await create(manager, person('listed'));
    const crew = await group(manager, 'listed');
    await manager.changeMembers(crew, { add: [ada], remove: [] }, call());

    const listed: RemoteAccount[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await manager.listAccounts(cursor, call());
      listed.push(...page.items);
      cursor = page.next;
      pages += 1;
    } while (cursor !== undefined);

    const bulk = listed.filter(({ name }) => name.startsWith('bulk'));
    expect(pages).toBeGreaterThan(2);
    expect([bulk.length, new Set(bulk.map(({ remoteId }) => remoteId)).size]).toEqual([1100, 1100]);
    expect(listed.find(({ name }) => name === 'listed')?.groups).toEqual([crew.remoteId]);
  });

  test('a cursor of another process makes the listing begin again', async () => {
    await expect(manager.listAccounts('gone', call())).rejects.toMatchObject({ code: 'listing-lost' });
  });

  test('attributes are written as the mapping says, and emptied when they are gone', async () => {
    const mapping = { telephoneNumber: '{attributes.phones}', title: '{attributes.rank} of {displayName}' };
    const own = managerOf(slapd, { attributes: mapping });
    const account = person('mapped', { attributes: { phones: ['1', '2'], rank: 'Captain' } });
    const ref = await create(own, account);
    const [made] = await slapd.search(slapd.userBase, '(uid=mapped)');

    const nothing = await own.updateAccount(ref, account.profile, call());
    await own.updateAccount(ref, { ...account.profile, attributes: {}, email: null }, call());
    const [changed] = await slapd.search(slapd.userBase, '(uid=mapped)');

    expect(nothing).toBe('unchanged');
    expect(made?.attributes.get('telephonenumber')).toEqual(['1', '2']);
    expect(made?.attributes.get('title')).toEqual(['Captain of Ada mapped']);
    expect([changed?.attributes.get('telephonenumber'), changed?.attributes.get('mail')]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('a password that the policy refuses is rejected and not repeated', async () => {
    const ref = await create(manager, person('short'));

    const error = await manager.setPassword(ref, new Secret('Cana1'), call()).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ kind: 'rejected', code: 'password-refused' });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('Cana1');
  });

  test('where nothing else locks, the password is taken away', async () => {
    const own = managerOf(slapd, { disableBy: 'password' });
    const ref = await create(own, person('lockless'));
    await own.setPassword(ref, new Secret('Right-horse-1'), call());

    await own.disableAccount(ref, call());

    expect(await slapd.canLogIn(`uid=lockless,${slapd.userBase}`, 'Right-horse-1')).toBe(false);
  });

  test('a broken connection is unavailable, and the next call makes another', async () => {
    const proxy = await startTcpProxy({ host: '127.0.0.1', port: slapd.port });
    const own = managerOf(slapd, { url: `ldap://127.0.0.1:${proxy.port}` });
    const ref = await create(own, person('cut'));

    proxy.cut();
    await expect(own.findAccount(ref.key, call())).rejects.toMatchObject({ kind: 'unavailable' });
    proxy.restore();

    expect((await own.findAccount(ref.key, call()))?.remoteId).toBe(ref.remoteId);
    await own.close();
    await proxy.close();
  });

  test.each([
    ['ldaps', (port: Slapd) => ({ url: `ldaps://127.0.0.1:${port.tlsPort}` })],
    ['startTls', () => ({ startTls: true })],
  ])('over %s only a certificate of the named authority is taken', async (_title, place) => {
    const known = managerOf(slapd, { ...place(slapd), plaintext: false, tlsCa: TEST_CERTIFICATES.ca });
    const unknown = managerOf(slapd, { ...place(slapd), plaintext: false });

    expect(await known.testConnection(call())).toMatchObject({ ok: true, remote: 'OpenLDAP' });
    await expect(unknown.testConnection(call())).rejects.toMatchObject({ kind: 'misconfigured', code: 'tls' });
  });

  test('what the connection test misses it says in sentences', async () => {
    const report = await managerOf(slapd, {
      userBase: `ou=nowhere,${slapd.userBase}`,
      disableBy: 'nsAccountLock',
    }).testConnection(call());

    expect(report.missing).toEqual([expect.stringContaining('userBase'), expect.stringContaining('nsAccountLock')]);
    const refused = managerOf(slapd, { bindPassword: 'wrong' }).testConnection(call());
    await expect(refused).rejects.toMatchObject({ kind: 'misconfigured', code: 'ldap-49' });
  });

  test('a missing base is the configuration, and never a person who is gone', async () => {
    const own = managerOf(slapd, { userBase: `ou=nowhere,${slapd.userBase}` });

    await expect(own.findAccount(person('x').key, call())).rejects.toMatchObject({ kind: 'misconfigured' });
    await expect(own.createAccount(person('x'), call())).rejects.toMatchObject({ kind: 'misconfigured' });
  });
});

describeWith(['slapd', 'ldapsearch'], 'ldap without overlays', () => {
  let slapd: Slapd;
  let manager: LdapManager;
  beforeAll(async () => {
    slapd = await slapdWith({ overlays: [], sizeLimit: 3 });
    manager = managerOf(slapd);
  });

  test('who leaves is taken out of every group, also of those that are not ours', async () => {
    const [ada, bob] = [await create(manager, person('leaver')), await create(manager, person('stayer'))];
    const ours = await group(manager, 'ours');
    await manager.changeMembers(ours, { add: [ada, bob], remove: [] }, call());
    const theirs = `dn: cn=theirs,${slapd.groupBase}\nchangetype: add\nobjectClass: groupOfNames\ncn: theirs`;
    await slapd.apply(`${theirs}\nmember: uid=leaver,${slapd.userBase}\n`);

    await manager.deleteAccount(ada, call());

    expect([await membersOf(slapd, 'ours'), await membersOf(slapd, 'theirs')]).toEqual([['uid=stayer'], ['cn=nobody']]);
  });

  test('somebody new with an old name is in none of the old groups', async () => {
    const left = `dn: cn=leftover,${slapd.groupBase}\nchangetype: add\nobjectClass: groupOfNames\ncn: leftover`;
    await slapd.apply(`${left}\nmember: uid=reborn,${slapd.userBase}\nmember: uid=stayer,${slapd.userBase}\n`);

    await create(manager, person('reborn'));

    expect(await membersOf(slapd, 'leftover')).toEqual(['uid=stayer']);
  });

  test('a rename moves the memberships, also when an earlier try got no further than the name', async () => {
    const account = person('early');
    const ref = await create(manager, account);
    const crew = await group(manager, 'renamed');
    await manager.changeMembers(crew, { add: [ref], remove: [] }, call());

    await manager.updateAccount(ref, { ...account.profile, name: 'late' }, call());
    const moved = await membersOf(slapd, 'renamed');
    await slapd.apply(`dn: uid=late,${slapd.userBase}\nchangetype: modrdn\nnewrdn: uid=latest\ndeleteoldrdn: 1\n`);
    await manager.updateAccount({ ...ref, name: 'late' }, { ...account.profile, name: 'latest' }, call());

    expect([moved, await membersOf(slapd, 'renamed')]).toEqual([['uid=late'], ['uid=latest']]);
  });

  test('a directory that shows only a part of its people is misconfigured', async () => {
    const listing = async (): Promise<void> => {
      for (let cursor: string | undefined; ;) {
        const page = await manager.listAccounts(cursor, call());
        if (page.next === undefined) return;
        cursor = page.next;
      }
    };

    await expect(listing()).rejects.toMatchObject({ kind: 'misconfigured', code: 'ldap-4' });
  });
});

test('a connection in the clear has to be asked for', () => {
  const place = { bindDn: 'cn=a', bindPassword: 'x', userBase: 'ou=a', groupBase: 'ou=b' };
  const fits = (config: object): boolean => LdapConfig.safeParse({ ...place, ...config }).success;

  expect([
    fits({ url: 'ldap://example.org' }),
    fits({ url: 'ldap://example.org', plaintext: true }),
    fits({ url: 'ldap://example.org', startTls: true }),
    fits({ url: 'ldaps://example.org' }),
    fits({ url: 'ldaps://user:secret@example.org' }),
  ]).toEqual([false, true, true, true, false]);
});
