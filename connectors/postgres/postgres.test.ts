import { randomUUID } from 'node:crypto';
import type { CreateOutcome, NewAccount } from '@muster/sdk';
import { Conflict, Gone, Misconfigured, Rejected, Secret, Unavailable } from '@muster/sdk';
import { PostgresManager } from './manager';
import type { PostgresConfig } from './schema';
import { call, canary, newAccount, refOf, startTestServer } from '../../test/connectors/postgres-server';
import type { TestServer } from '../../test/connectors/postgres-server';

let server: TestServer;
let manager: PostgresManager;
const opened: PostgresManager[] = [];

beforeAll(async () => {
  server = await startTestServer();
  manager = build({});
});

afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()));
  await server.stop();
});

function build(extra: Partial<PostgresConfig>): PostgresManager {
  const made = new PostgresManager({ ...server.config, ...extra });
  opened.push(made);
  return made;
}

async function create(name: string): Promise<{ account: NewAccount; ref: ReturnType<typeof refOf> }> {
  const account = newAccount(server, name, randomUUID());
  return { account, ref: refOf(account, remote(await manager.createAccount(account, call()))) };
}

function remote(outcome: CreateOutcome): { remoteId: string; name: string } {
  if (outcome.outcome === 'created' || outcome.outcome === 'already existed') return outcome;
  throw new Error(`unexpected outcome ${outcome.outcome}`);
}

async function group(name: string): Promise<{ remoteId: string; name: string }> {
  return manager.ensureGroup({ key: randomUUID(), owner: server.owner, name: `${server.tag}_${name}` }, call());
}

async function sessionsOf(name: string): Promise<number> {
  const result = await server.admin.query('select 1 from pg_stat_activity where usename = $1', [name]);
  return result.rowCount ?? 0;
}

describe('rights', () => {
  test('a CREATEROLE user that is no superuser suffices', async () => {
    const report = await manager.testConnection(call());

    expect(report).toMatchObject({ ok: true, missing: [] });
    expect(report.remote).toMatch(/^PostgreSQL \d+/);
  });

  test('the connection test names every missing right', async () => {
    const { ref } = await create('weak');
    await manager.setPassword(ref, new Secret('weak-password'), call());
    const weak = build({ user: ref.name, password: 'weak-password', reassignOwnedTo: 'nobody_here' });

    const report = await weak.testConnection(call());

    expect(report.ok).toBe(false);
    expect(report.missing.join(' ')).toMatch(/CREATEROLE.*pg_signal_backend.*nobody_here/);
  });

  test('a wrong password is misconfigured and never shown', async () => {
    const wrong = build({ password: 'Canary-wrong-password' });

    const failure = await wrong.listAccounts(undefined, call()).catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(Misconfigured);
    expect(JSON.stringify(failure) + String(failure)).not.toContain('Canary');
    await expect(wrong.testConnection(call())).resolves.toMatchObject({ ok: false });
  });

  test('a missing password is misconfigured', async () => {
    const none = build({ password: '' });

    await expect(none.listAccounts(undefined, call())).rejects.toBeInstanceOf(Misconfigured);
  });

  test('a server that is not there is unavailable', async () => {
    const nowhere = build({ port: 1 });

    await expect(nowhere.testConnection(call())).rejects.toBeInstanceOf(Unavailable);
  });
});

describe('accounts', () => {
  test('a new role cannot log in before a password is set', async () => {
    const { ref } = await create('fresh');

    await expect(server.login(ref.name, '')).rejects.toThrow(/password authentication failed|password must be/);

    await manager.setPassword(ref, new Secret('correct horse'), call());
    const client = await server.login(ref.name, 'correct horse');
    await client.end();
  });

  test('a renamed role keeps its password and its groups', async () => {
    const { account, ref } = await create('before');
    const team = await group('rename-team');
    await manager.setPassword(ref, new Secret('keeps-it'), call());
    await manager.setGroups(ref, { wanted: [team], managed: [team] }, call());
    const renamed = { ...account.profile, name: `${server.tag}_after "quoted"; drop role x --` };

    expect(await manager.updateAccount(ref, renamed, call())).toBe('done');

    const client = await server.login(renamed.name, 'keeps-it');
    await client.end();
    expect(await manager.findAccount(account.key, call())).toMatchObject({
      name: renamed.name,
      groups: [team.remoteId],
    });
  });

  test('a role whose comment is no longer ours is left alone', async () => {
    const { ref } = await create('lost');
    await server.admin.query(`comment on role "${ref.name}" is 'mine now'`);

    expect(await manager.disableAccount(ref, call())).toBe('gone');
    expect(await manager.deleteAccount(ref, call())).toBe('nothing there');

    const role = await server.admin.query('select rolcanlogin from pg_roles where rolname = $1', [ref.name]);
    expect(role.rows).toEqual([{ rolcanlogin: true }]);
  });

  test('eight equal creations at once make one role', async () => {
    const account = newAccount(server, 'storm', randomUUID());

    const outcomes = await Promise.all(Array.from({ length: 8 }, () => manager.createAccount(account, call())));

    expect(outcomes.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
    expect(new Set(outcomes.map((outcome) => remote(outcome).remoteId)).size).toBe(1);
  });

  test('after a dump and restore the account is found by its comment', async () => {
    const { account, ref } = await create('restored');

    const found = await manager.findAccount({ ...account.key, remoteId: '4294967295' }, call());

    expect(found).toMatchObject({ remoteId: ref.remoteId });
  });
});

describe('passwords', () => {
  test('the plain text is in no statement that the server sees', async () => {
    const { ref } = await create('quiet');
    const password = canary();
    // A session that looks at the last statement of every other one while the password is set.
    const seen: string[] = [];
    const writing = manager.setPassword(ref, password, call());
    const state = { finished: false };
    const watched = writing.finally(() => {
      state.finished = true;
    });
    while (!state.finished) {
      const result = await server.admin.query<{ query: string }>('select query from pg_stat_activity');
      seen.push(...result.rows.map(({ query }) => query));
    }
    await watched;
    const rows = await server.admin.query<{ query: string }>('select query from pg_stat_activity');
    seen.push(...rows.rows.map(({ query }) => query));

    expect(seen.join('\n')).not.toContain(password.reveal());
    const client = await server.login(ref.name, password.reveal());
    await client.end();
  });

  test('a password with letters beyond ASCII logs in', async () => {
    const { ref } = await create('umlaut');

    expect(await manager.setPassword(ref, new Secret('pässwörd ünd 密码'), call())).toBe('done');

    const client = await server.login(ref.name, 'pässwörd ünd 密码');
    await client.end();
  });

  test('control characters in a password are refused', async () => {
    const { ref } = await create('control');

    await expect(manager.setPassword(ref, new Secret('a\u0000b'), call())).rejects.toBeInstanceOf(Rejected);
  });
});

describe('groups', () => {
  test('eight accounts enter and leave the same groups at once', async () => {
    const teams = await Promise.all(['par-a', 'par-b', 'par-c'].map((name) => group(name)));
    const accounts = await Promise.all(Array.from({ length: 8 }, (_all, index) => create(`par${index}`)));

    const joined = await Promise.all(
      accounts.map(({ ref }, index) =>
        manager.setGroups(ref, { wanted: index % 2 === 0 ? teams : [...teams].reverse(), managed: teams }, call()),
      ),
    );
    const left = await Promise.all(
      accounts.map(({ ref }) => manager.setGroups(ref, { wanted: [], managed: teams }, call())),
    );

    expect([...joined, ...left]).toEqual(Array.from({ length: 16 }, () => 'done'));
  });

  test('a membership that an administrator granted is also taken back', async () => {
    const team = await group('by-hand');
    const { account, ref } = await create('byhand');
    await server.admin.query(`grant "${team.name}" to "${ref.name}"`);
    const version = await server.admin.query<{ v: number }>(`select current_setting('server_version_num')::int as v`);

    const attempt = manager.setGroups(ref, { wanted: [], managed: [team] }, call());

    // Since 16 only the grantor, or a superuser, can take a membership back: that is told, not hidden.
    if ((version.rows[0]?.v ?? 0) >= 160_000) await expect(attempt).rejects.toBeInstanceOf(Rejected);
    else {
      await attempt;
      expect(await manager.findAccount(account.key, call())).toMatchObject({ groups: [] });
    }
  });

  test('a wanted group that is gone is named', async () => {
    const team = await group('short-lived');
    const { ref } = await create('mourner');
    await manager.removeGroup(team, call());

    const attempt = manager.setGroups(ref, { wanted: [team], managed: [team] }, call());

    await expect(attempt).rejects.toThrow(Gone);
    await expect(manager.setGroups(ref, { wanted: [], managed: [team] }, call())).resolves.toBe('unchanged');
  });

  test('a role that is not ours is never granted', async () => {
    const { ref } = await create('climber');
    const foreign = await server.admin.query<{ oid: string }>(
      `select oid::text as oid from pg_roles where rolname = 'pg_read_all_data'`,
    );
    const power = { remoteId: foreign.rows[0]?.oid ?? '', name: 'pg_read_all_data' };

    await expect(manager.setGroups(ref, { wanted: [power], managed: [power] }, call())).rejects.toBeInstanceOf(Gone);
  });
});

describe('removal', () => {
  test('deleting ends the sessions that are open', async () => {
    const { ref } = await create('online');
    await manager.setPassword(ref, new Secret('let-me-in'), call());
    const client = await server.login(ref.name, 'let-me-in');
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));

    expect(await manager.deleteAccount(ref, call())).toBe('done');

    await ended;
    expect(await sessionsOf(ref.name)).toBe(0);
  });

  test('ending sessions tells whether there were any', async () => {
    const { ref } = await create('visitor');
    await manager.setPassword(ref, new Secret('let-me-in'), call());
    await server.login(ref.name, 'let-me-in');

    expect(await manager.endSessions(ref, call())).toBe('done');

    await server.until('select not exists (select from pg_stat_activity where usename = $1) as ok', [ref.name]);
    expect(await manager.endSessions(ref, call())).toBe('nothing there');
  });

  test('an owner of objects is locked out but not dropped', async () => {
    const { ref } = await create('owner');
    await server.admin.query(`create schema authorization "${ref.name}"`);

    const attempt = manager.deleteAccount(ref, call());

    await expect(attempt).rejects.toThrow(/reassignOwnedTo/);
    await expect(attempt).rejects.toBeInstanceOf(Rejected);
    const role = await server.admin.query('select rolcanlogin from pg_roles where rolname = $1', [ref.name]);
    expect(role.rows).toEqual([{ rolcanlogin: false }]);
  });

  test.each(['dropOwned', 'reassignOwnedTo'] as const)('%s clears the way for the removal', async (option) => {
    const { ref } = await create(`heir-${option.toLowerCase()}`);
    await server.admin.query(`create schema authorization "${ref.name}"`);
    await server.admin.query(`grant create on database "${server.config.database}" to "${server.config.user}"`);
    const choice = option === 'dropOwned' ? { dropOwned: true } : { reassignOwnedTo: server.config.user ?? '' };

    expect(await build(choice).deleteAccount(ref, call())).toBe('done');

    const kept = await server.admin.query('select 1 from pg_namespace where nspname = $1', [ref.name]);
    expect(kept.rowCount).toBe(option === 'dropOwned' ? 0 : 1);
    await server.admin.query(`drop schema if exists "${ref.name}"`);
  });
});

describe('time', () => {
  test('a call that waits for a lock ends with its time', async () => {
    const { ref } = await create('held');
    const blocker = await server.admin.connect();
    await blocker.query('begin');
    await blocker.query(`alter role "${ref.name}" connection limit 3`);

    await expect(manager.disableAccount(ref, call(300))).rejects.toBeInstanceOf(Unavailable);

    await blocker.query('rollback');
    blocker.release();
    expect(await manager.disableAccount(ref, call())).toBe('done');
  });

  test('an aborted call also stops at the server', async () => {
    const { ref } = await create('aborted');
    const blocker = await server.admin.connect();
    await blocker.query('begin');
    await blocker.query(`alter role "${ref.name}" connection limit 3`);
    const abort = new AbortController();
    const attempt = manager.disableAccount(ref, { signal: abort.signal, timeoutMs: 60_000 });
    const waits = `exists (select from pg_stat_activity where usename = $1 and wait_event_type = 'Lock')`;
    await server.until(`select ${waits} as ok`, [server.config.user]);

    abort.abort();

    await expect(attempt).rejects.toBeInstanceOf(Unavailable);
    await server.until(`select not ${waits} as ok`, [server.config.user]);
    await blocker.query('rollback');
    blocker.release();
  });

  test('a name that a foreigner takes at the same moment is a conflict', async () => {
    const account = newAccount(server, 'race', randomUUID());
    const rival = await server.admin.connect();
    await rival.query('begin');
    await rival.query(`create role "${account.profile.name}"`);
    const attempt = manager.createAccount(account, call());
    await server.until(
      `select exists (select from pg_stat_activity where usename = $1 and wait_event_type = 'Lock') as ok`,
      [server.config.user],
    );

    await rival.query('commit');
    rival.release();

    await expect(attempt).rejects.toBeInstanceOf(Conflict);
  });
});
