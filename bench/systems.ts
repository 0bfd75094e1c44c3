import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Connector } from '@muster/sdk';
import { ldap } from '../connectors/ldap';
import { connector as postgres } from '../connectors/postgres';
import { connector as rabbitmq } from '../connectors/rabbitmq';
import { connector as scim } from '../connectors/scim';
import { connector as xmpp } from '../connectors/xmpp';
import { processEnvironment } from '../config/environment';
import { startEjabberd } from '../test/connectors/ejabberd';
import { firstValue } from '../test/connectors/ldap-tools';
import { startOwnPostgres } from '../test/connectors/own-postgres';
import { findProgram } from '../test/connectors/programs';
import { startRabbit } from '../test/connectors/rabbitmq';
import { startScim2 } from '../test/connectors/scim-servers';
import { startSlapd } from '../test/connectors/slapd';
import { membersInDump, permissionsIn, resourcesIn } from './system-dumps';

/** Names of accounts, each with the names of its groups. */
export type Picture = ReadonlyMap<string, ReadonlySet<string>>;

/** A real system on loopback, with a reader that shares no code with its connector. */
export interface FarSystem {
  readonly name: string;
  /** The program that reads it. */
  readonly reader: string;
  readonly connector: Connector;
  /** As an operator gives it to Muster. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What is there. For the SCIM server this is its end: it writes down what it holds when it stops. */
  read(): Promise<Picture>;
  stop(): Promise<void>;
}

/** What must be installed for `startSystems`; see .ci/install-servers. */
const PROGRAMS = ['slapd', 'ldapsearch', 'psql', 'scim2-server', 'erl', 'epmd', '/usr/lib/rabbitmq/bin/rabbitmqctl'];

/** The programs that are not there. */
export function missingPrograms(): readonly string[] {
  return PROGRAMS.filter((name) => findProgram(name) === undefined);
}

/** Starts all five, empty, each in a folder of its own. */
export async function startSystems(): Promise<readonly FarSystem[]> {
  return Promise.all([startLdap(), startPostgres(), startScim(), startXmpp(), startBroker()]);
}

async function startLdap(): Promise<FarSystem> {
  const server = await startSlapd();
  return {
    name: 'slapd',
    reader: 'ldapsearch',
    connector: ldap,
    config: server.config,
    read: async () => {
      const people = await server.search(server.userBase, '(objectClass=inetOrgPerson)');
      const groups = await server.search(server.groupBase, '(objectClass=groupOfNames)');
      const names = new Map(people.map((entry) => [entry.dn.toLowerCase(), firstValue(entry, 'uid')]));
      const pairs = groups.flatMap((group) =>
        (group.attributes.get('member') ?? []).flatMap((dn): readonly Pair[] => {
          const name = names.get(dn.toLowerCase());
          return name === undefined ? [] : [[name, firstValue(group, 'cn')]];
        }),
      );
      return pictureOf([...names.values()], pairs);
    },
    stop: () => server.stop(),
  };
}

async function startPostgres(): Promise<FarSystem> {
  const server = await startOwnPostgres();
  const { host, port, user, password, database } = server.config;
  const ask = async (sql: string): Promise<readonly Pair[]> => {
    const args = ['-X', '-A', '-t', '-F', '\t', '-h', host, '-p', String(port), '-U', user, '-d', database];
    const env = { ...processEnvironment(), PGPASSWORD: password };
    const { stdout } = await promisify(execFile)('psql', [...args, '-c', sql], { env, maxBuffer: MAX_BYTES });
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.split('\t')[0] ?? '', line.split('\t')[1] ?? '']);
  };
  return {
    name: 'postgresql',
    reader: 'psql',
    connector: postgres,
    config: server.config,
    read: async () =>
      pictureOf(
        (await ask(`select rolname, '' from pg_roles where rolcanlogin and not rolsuper`)).map(([name]) => name),
        await ask(
          `select m.rolname, g.rolname from pg_auth_members a join pg_roles m on m.oid = a.member
             join pg_roles g on g.oid = a.roleid where m.rolcanlogin and not g.rolcanlogin and g.rolname !~ '^pg_'`,
        ),
      ),
    stop: () => server.stop(),
  };
}

async function startScim(): Promise<FarSystem> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-scim-'));
  const dumpFile = join(folder, 'resources.json');
  const server = await startScim2({ dumpFile });
  return {
    name: 'scim2-server',
    reader: 'its own dump',
    connector: scim,
    config: { url: `${server.origin}${server.path}`, token: server.token },
    read: async () => {
      await server.stop();
      const { accounts, members } = resourcesIn(readFileSync(dumpFile, 'utf8'));
      return pictureOf(accounts, members);
    },
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startXmpp(): Promise<FarSystem> {
  const server = await startEjabberd();
  return {
    name: 'ejabberd',
    reader: 'ejabberdctl dump',
    connector: xmpp,
    config: server.config,
    read: async () => {
      const { accounts, members } = membersInDump(await server.dump());
      const own = new Set(['muster', 'tests']);
      return pictureOf(
        accounts.filter((name) => !own.has(name)),
        members,
      );
    },
    stop: () => server.stop(),
  };
}

async function startBroker(): Promise<FarSystem> {
  const server = await startRabbit();
  return {
    name: 'rabbitmq',
    reader: 'rabbitmqctl',
    connector: rabbitmq,
    config: server.config,
    read: async () => {
      const { accounts, members } = permissionsIn(await server.control('export_definitions', '-', '--format', 'json'));
      const others = accounts.filter((name) => name !== 'muster');
      return pictureOf(
        others,
        members.filter(([name, group]) => name !== 'muster' && group !== '/'),
      );
    },
    stop: () => server.stop(),
  };
}

const MAX_BYTES = 64 * 1024 * 1024;

/** An account and one of its groups. */
export type Pair = readonly [account: string, group: string];

/** Accounts without groups are in it too; memberships of who has no account are not. */
export function pictureOf(accounts: readonly string[], members: readonly Pair[]): Picture {
  const picture = new Map(accounts.map((name) => [name, new Set<string>()]));
  for (const [name, group] of members) picture.get(name)?.add(group);
  return picture;
}
