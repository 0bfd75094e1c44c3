import { describeConnector, startTcpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, FarSide, SeenAccount, SeenGroup } from '@muster/sdk/conformance';
import { ldap } from '.';
import { describeWith } from '../../test/connectors/programs';
import { startSlapd } from '../../test/connectors/slapd';
import { escapedName, firstValue, isLdapWrite } from '../../test/connectors/ldap-tools';
import type { LdifEntry } from '../../test/connectors/ldap-tools';
import type { Slapd } from '../../test/connectors/slapd';

describeWith(['slapd', 'ldapsearch'], 'ldap on OpenLDAP', () => {
  describeConnector({ connector: ldap, start: startTarget });
});

async function startTarget(): Promise<ConformanceTarget> {
  const slapd = await startSlapd();
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: slapd.port });
  return {
    config: { ...slapd.config, url: `ldap://127.0.0.1:${proxy.port}` },
    secrets: [slapd.password],
    prefix: 'muster.',
    impossibleNames: ['', 'Upper', ' lead', 'two  spaces', 'nul\u0000', 'line\nbreak', 'x'.repeat(101)],
    farSide: farSideOf(slapd),
    loseNextAnswer: () => proxy.loseNextAnswer(isLdapWrite),
    stop: async () => {
      await proxy.close();
      await slapd.stop();
    },
  };
}

function farSideOf(slapd: Slapd): FarSide {
  const groupEntries = () => slapd.search(slapd.groupBase, '(objectClass=groupOfNames)');
  return {
    accounts: async () => {
      const groups = await groupEntries();
      const people = await slapd.search(slapd.userBase, '(objectClass=inetOrgPerson)');
      return people.map((person) => seenAccount(person, groups));
    },
    groups: async () => (await groupEntries()).map((group) => seenGroup(group)),
    plantAccount: async (name) => {
      const dn = `uid=${escapedName(name)},${slapd.userBase}`;
      await slapd.apply(`dn: ${dn}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: ${name}\ncn: ${name}\nsn: x\n`);
      const [made] = await slapd.search(slapd.userBase, `(uid=${name})`);
      return seenAccount(present(made), []);
    },
    plantGroup: async (name) => {
      const dn = `cn=${escapedName(name)},${slapd.groupBase}`;
      await slapd.apply(`dn: ${dn}\nchangetype: add\nobjectClass: groupOfNames\ncn: ${name}\nmember: cn=x\n`);
      const [made] = await slapd.search(slapd.groupBase, `(cn=${name})`);
      return seenGroup(present(made));
    },
    join: async () => undefined,
    login: async (name, password) => slapd.canLogIn(`uid=${escapedName(name)},${slapd.userBase}`, password),
  };
}

function seenAccount(entry: LdifEntry, groups: readonly LdifEntry[]): SeenAccount {
  return {
    ...seenGroup(entry, 'uid'),
    enabled: firstValue(entry, 'pwdaccountlockedtime') === '',
    groups: groups
      .filter(({ attributes }) => attributes.get('member')?.includes(entry.dn) === true)
      .map((group) => firstValue(group, 'entryuuid')),
  };
}

function seenGroup(entry: LdifEntry, name: 'uid' | 'cn' = 'cn'): SeenGroup {
  return { remoteId: firstValue(entry, 'entryuuid'), name: firstValue(entry, name) };
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it was not made');
  return value;
}
