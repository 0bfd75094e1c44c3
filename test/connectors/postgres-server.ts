import { randomBytes } from 'node:crypto';
import { Client, Pool, escapeIdentifier } from 'pg';
import { Secret } from '@muster/sdk';
import type { AccountRef, CallContext, NewAccount } from '@muster/sdk';
import { waitFor } from '../../runtime/wait-for';
import { testPostgresUrl } from '../environment/database';
import type { PostgresConfig } from '../../connectors/postgres/schema';

/**
 * The far side of the tests: a real server (MUSTER_TEST_PG_URL, or the run's own), seen by an independent reader that shares no
 * code with the connector. Roles belong to the whole server, so everything carries a random tag and is dropped in the end.
 */
export interface TestServer {
  readonly tag: string;
  readonly owner: string;
  readonly admin: Pool;
  /** Connects as a CREATEROLE user that is no superuser: the rights that the README asks for and no more. */
  readonly config: PostgresConfig;
  /** Logs in as somebody else, over TCP and with a password. */
  login(user: string, password: string): Promise<Client>;
  /** Waits until `sql` answers true, at most five seconds. */
  until(sql: string, values: readonly unknown[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestServer(): Promise<TestServer> {
  const url = new URL(await testPostgresUrl());
  const tag = `t${randomBytes(5).toString('hex')}`;
  const admin = new Pool({ connectionString: url.href, max: 4 });
  const user = `${tag}_muster`;
  const password = randomBytes(12).toString('hex');
  await admin.query(`create role ${user} login createrole password '${password}'`);
  await admin.query(`grant pg_signal_backend to ${user}`);
  const place = { host: url.hostname, port: Number(url.port || 5432), database: url.pathname.slice(1) || 'postgres' };
  return {
    tag,
    owner: `${tag}:pg`,
    admin,
    config: { ...place, user, password },
    login: async (name, text) => {
      const client = new Client({ ...place, user: name, password: text });
      client.on('error', () => undefined);
      await client.connect().catch(async (error: unknown) => {
        await client.end();
        throw error;
      });
      return client;
    },
    until: (sql, values) => until(admin, sql, values),
    stop: async () => {
      await dropTagged(admin, tag);
      await admin.end();
    },
  };
}

async function until(admin: Pool, sql: string, values: readonly unknown[]): Promise<void> {
  const isTrue = await waitFor(5_000, async () => {
    const result = await admin.query<{ ok: boolean }>(sql, [...values]);
    return result.rows[0]?.ok === true || undefined;
  });
  if (isTrue === undefined) throw new Error(`It never became true: ${sql}`);
}

async function dropTagged(admin: Pool, tag: string): Promise<void> {
  const found = await admin.query<{ name: string }>(
    `select r.rolname as name from pg_roles r left join pg_shdescription d on d.objoid = r.oid
      where r.rolname like $1 or d.description like $2
      order by r.rolname like $3, r.rolname`,
    [`%${tag}%`, `muster:${tag}%`, `${tag}_muster`],
  );
  for (const { name } of found.rows) {
    await admin.query(`drop owned by ${escapeIdentifier(name)}`);
    await admin.query(`drop role ${escapeIdentifier(name)}`);
  }
}

/** A call that has ten seconds. */
export function call(timeoutMs = 10_000): CallContext {
  return { signal: AbortSignal.timeout(timeoutMs), timeoutMs };
}

export function newAccount(server: TestServer, name: string, userId: string = name): NewAccount {
  return {
    key: { owner: server.owner, userId },
    profile: {
      name: `${server.tag}_${name}`,
      nickname: name,
      displayName: name,
      email: `${name}@example.org`,
      attributes: {},
    },
  };
}

export function refOf(account: NewAccount, created: { readonly remoteId: string; readonly name: string }): AccountRef {
  return { remoteId: created.remoteId, name: created.name, key: { ...account.key, remoteId: created.remoteId } };
}

export function canary(): Secret {
  return new Secret(`Canary-${randomBytes(12).toString('hex')}`);
}
