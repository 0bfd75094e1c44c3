import { escapeIdentifier } from 'pg';
import { describeConnector, startTcpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, FarSide, SeenAccount, SeenGroup } from '@muster/sdk/conformance';
import { connector } from '.';
import { startTestServer } from '../../test/connectors/postgres-server';
import type { TestServer } from '../../test/connectors/postgres-server';

describeConnector({ connector, start: startTarget });

async function startTarget(): Promise<ConformanceTarget> {
  const server = await startTestServer();
  const proxy = await startTcpProxy({ host: server.config.host ?? '', port: server.config.port ?? 0 });
  return {
    config: { ...server.config, host: '127.0.0.1', port: proxy.port },
    secrets: [server.config.password ?? ''],
    prefix: server.tag,
    impossibleNames: [
      '',
      'pg_monitor2',
      'public',
      'none',
      `${server.tag}${'x'.repeat(60)}`,
      `${server.tag}\u0000`,
      `${server.tag}\n`,
    ],
    farSide: farSideOf(server),
    // Only the commit (with its end, unlike "read committed"): what is lost before it is rolled back, and would prove nothing.
    loseNextAnswer: () => proxy.loseNextAnswer('commit\0'),
    stop: async () => {
      await proxy.close();
      await server.stop();
    },
  };
}

/** Reads and changes the catalog as a superuser, directly and not through the proxy. */
function farSideOf(server: TestServer): FarSide {
  const { admin, tag } = server;
  return {
    accounts: async () => (await roles(server)).filter(({ isGroup }) => !isGroup).map(seenAccount),
    groups: async () => (await roles(server)).filter(({ isGroup }) => isGroup).map(seenGroup),
    plantAccount: async (name) => {
      await admin.query(`create role ${escapeIdentifier(name)} login password 'foreign'`);
      return seenAccount(await roleCalled(server, name));
    },
    plantGroup: async (name) => {
      await admin.query(`create role ${escapeIdentifier(name)} nologin`);
      return seenGroup(await roleCalled(server, name));
    },
    join: async (account, group) => {
      await admin.query(`grant ${escapeIdentifier(group.name)} to ${escapeIdentifier(account.name)}`);
    },
    openSession: async (name, password) => {
      const client = await server.login(name, password);
      return { ended: new Promise((resolve) => client.once('end', resolve)) };
    },
    login: async (name, password) => {
      const client = await server.login(name, password).catch(() => undefined);
      await client?.end();
      return client !== undefined && name.startsWith(tag);
    },
  };
}

interface RoleRow extends SeenAccount {
  readonly isGroup: boolean;
}

async function roles(server: TestServer): Promise<readonly RoleRow[]> {
  const found = await server.admin.query<RoleRow>(
    `select oid::text as "remoteId", rolname as name, rolcanlogin as enabled,
            array(select roleid::text from pg_auth_members where member = r.oid) as groups,
            coalesce(shobj_description(oid, 'pg_authid') like '%:group:%', not rolcanlogin) as "isGroup"
       from pg_roles r where rolname like $1 and rolname <> $2`,
    [`${server.tag}%`, server.config.user],
  );
  return found.rows;
}

async function roleCalled(server: TestServer, name: string): Promise<RoleRow> {
  const found = (await roles(server)).find((role) => role.name === name);
  if (found === undefined) throw new Error(`no role ${name}`);
  return found;
}

function seenAccount({ remoteId, name, enabled, groups }: RoleRow): SeenAccount {
  return { remoteId, name, enabled, groups };
}

function seenGroup({ remoteId, name }: RoleRow): SeenGroup {
  return { remoteId, name };
}
