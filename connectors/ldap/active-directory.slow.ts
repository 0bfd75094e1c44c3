import { randomUUID } from 'node:crypto';
import { Secret } from '@muster/sdk';
import type { AccountProfile, AccountRef, CallContext } from '@muster/sdk';
import { describeConnector, startTcpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, FarSide, SeenAccount, SeenGroup } from '@muster/sdk/conformance';
import { activeDirectory } from '.';
import { ActiveDirectoryManager } from './manager';
import { ActiveDirectoryConfig } from './schema';
import { TEST_CERTIFICATES } from '../../test/connectors/certificates';
import { escapedName, firstValue, isLdapWrite } from '../../test/connectors/ldap-tools';
import type { LdifEntry } from '../../test/connectors/ldap-tools';
import { describeWith } from '../../test/connectors/programs';
import { startSamba } from '../../test/connectors/samba';
import type { Samba } from '../../test/connectors/samba';

const SERVER = ['samba', 'samba-tool', 'ldapsearch', 'root'];

describeWith(SERVER, 'active-directory on Samba', () => {
  describeConnector({ connector: activeDirectory, start: startTarget });

  let samba: Samba;
  let manager: ActiveDirectoryManager;
  beforeAll(async () => {
    samba = await theSamba();
    manager = new ActiveDirectoryManager(ActiveDirectoryConfig.parse(samba.config));
  }, 120_000);
  afterAll(async () => {
    await manager.close();
    await samba.stop();
  });

  test('a renamed person stays in the group, and logs in under the new name', async () => {
    const { ref, profile } = await created('ad-before');
    const key = { key: randomUUID(), owner: 'test' };
    const { remoteId } = await manager.ensureGroup({ ...key, name: 'Crew' }, call());
    await manager.changeMembers({ remoteId, name: 'Crew' }, { add: [ref, ref], remove: [] }, call());
    await manager.setPassword(ref, new Secret('Correct-horse-7'), call());

    await manager.updateAccount(ref, { ...profile, name: 'ad-after' }, call());

    const [crew] = await samba.search(samba.groupBase, '(cn=Crew)');
    expect(crew?.attributes.get('member')).toEqual([`CN=ad-after,${samba.userBase}`]);
    expect(await samba.canLogIn('ad-after@lab.test', 'Correct-horse-7')).toBe(true);
    await manager.disableAccount(ref, call());
    expect(await samba.canLogIn('ad-after@lab.test', 'Correct-horse-7')).toBe(false);
  });

  test('a password that is too simple is rejected', async () => {
    const { ref } = await created('ad-simple');

    await expect(manager.setPassword(ref, new Secret('abc'), call())).rejects.toMatchObject({
      code: 'password-refused',
    });
  });

  test('the connection test says what the account may not make', async () => {
    const { ref } = await created('ad-nobody');
    await manager.setPassword(ref, new Secret('Correct-horse-7'), call());
    const config = { ...samba.config, bindDn: 'ad-nobody@lab.test', bindPassword: 'Correct-horse-7' };
    const weak = new ActiveDirectoryManager(ActiveDirectoryConfig.parse(config));

    const report = await weak.testConnection(call());

    expect(report.missing).toEqual([
      `Muster's account may not make a user below ${samba.userBase}.`,
      `Muster's account may not make a group below ${samba.groupBase}.`,
    ]);
    await weak.close();
  });

  async function created(name: string): Promise<{ readonly ref: AccountRef; readonly profile: AccountProfile }> {
    const profile = { name, nickname: '', displayName: `Ada ${name}`, email: null, attributes: {} };
    const key = { userId: randomUUID(), owner: 'test' };
    const made = await manager.createAccount({ key, profile }, call());
    if (made.outcome !== 'created') throw new Error(`not created but ${made.outcome}`);
    return { ref: { remoteId: made.remoteId, name, key }, profile };
  }
});

const call = (): CallContext => ({ signal: AbortSignal.timeout(30_000), timeoutMs: 30_000 });

let started: Promise<Samba> | undefined;

/** One domain for the kit and for what is special here. */
function theSamba(): Promise<Samba> {
  started ??= startSamba();
  return started;
}

async function startTarget(): Promise<ConformanceTarget> {
  const samba = await theSamba();
  const { ca, ...tls } = TEST_CERTIFICATES;
  const proxy = await startTcpProxy({ host: samba.address, port: 636, tls });
  const { tlsAcceptAnyCertificate: _unchecked, ...config } = samba.config;
  return {
    config: { ...config, url: `ldaps://127.0.0.1:${proxy.port}`, tlsCa: ca },
    secrets: [samba.password],
    prefix: 'm.',
    impossibleNames: ['', 'Upper', 'two words', 'a/b', 'x'.repeat(21), 'nul\u0000'],
    farSide: farSideOf(samba),
    loseNextAnswer: () => proxy.loseNextAnswer(isLdapWrite),
    stop: () => proxy.close(),
  };
}

function farSideOf(samba: Samba): FarSide {
  const groupEntries = (): Promise<readonly LdifEntry[]> => samba.search(samba.groupBase, '(objectClass=group)');
  return {
    accounts: async () => {
      const groups = await groupEntries();
      return (await samba.search(samba.userBase, '(objectClass=user)')).map((person) => seenAccount(person, groups));
    },
    groups: async () => (await groupEntries()).map(seenGroup),
    plantAccount: async (name) => {
      const dn = `CN=${escapedName(name)},${samba.userBase}`;
      await samba.apply(`dn: ${dn}\nchangetype: add\nobjectClass: user\nsAMAccountName: ${name}\n`);
      const [made] = await samba.search(samba.userBase, `(sAMAccountName=${name})`);
      return seenAccount(present(made), []);
    },
    plantGroup: async (name) => {
      const dn = `CN=${escapedName(name)},${samba.groupBase}`;
      await samba.apply(`dn: ${dn}\nchangetype: add\nobjectClass: group\nsAMAccountName: ${name}\n`);
      const [made] = await samba.search(samba.groupBase, `(cn=${name})`);
      return seenGroup(present(made));
    },
    join: async () => undefined,
    login: (name, password) => samba.canLogIn(`${name}@lab.test`, password),
  };
}

function seenAccount(entry: LdifEntry, groups: readonly LdifEntry[]): SeenAccount {
  return {
    remoteId: firstValue(entry, 'objectguid'),
    name: firstValue(entry, 'samaccountname'),
    enabled: (Number(firstValue(entry, 'useraccountcontrol')) & 2) === 0,
    groups: groups
      .filter(({ attributes }) => attributes.get('member')?.includes(entry.dn) === true)
      .map((group) => firstValue(group, 'objectguid')),
  };
}

function seenGroup(entry: LdifEntry): SeenGroup {
  return { remoteId: firstValue(entry, 'objectguid'), name: firstValue(entry, 'cn') };
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it was not made');
  return value;
}
