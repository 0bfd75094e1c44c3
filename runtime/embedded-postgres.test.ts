import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from 'pg';

import { startEmbeddedPostgres } from './embedded-postgres';
import type { EmbeddedPostgres } from './embedded-postgres';
import { freePort } from './ports';
import { commandLine, isAlive } from './process-identity';

describe('the embedded PostgreSQL', () => {
  let dataDir: string;
  let port: number;
  const running: EmbeddedPostgres[] = [];

  beforeEach(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-pg-'));
    // As root, PostgreSQL runs under another account, which must be able to enter.
    chmodSync(folder, 0o711);
    dataDir = join(folder, 'cluster');
    port = await freePort();
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop()));
    rmSync(join(dataDir, '..'), { recursive: true, force: true });
  });

  async function start(options: { readonly port?: number; readonly user?: string } = {}): Promise<EmbeddedPostgres> {
    const server = await startEmbeddedPostgres({ dataDir, port, durable: false, database: 'app', ...options });
    running.push(server);
    return server;
  }

  test('a first start makes a cluster, a later one keeps its data', async () => {
    const first = await start();
    await query(first.url, 'create table kept as select 42 as answer');
    await first.stop();

    const second = await start();

    expect(second.adopted).toBe(false);
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('an orphan left by a killed start is adopted', async () => {
    const first = await start();

    const second = await start();

    expect(second).toMatchObject({ adopted: true, pid: first.pid, port });
    await second.stop();
    expect(isAlive(first.pid)).toBe(false);
  });

  test('an orphan on another port is stopped and started anew', async () => {
    const first = await start();
    const otherPort = await freePort();

    const second = await start({ port: otherPort });

    expect(second).toMatchObject({ adopted: false, port: otherPort });
    expect(isAlive(first.pid)).toBe(false);
  });

  test('kill -9 of the server is told and healed by the next start', async () => {
    const first = await start();
    await query(first.url, 'create table kept as select 42 as answer');
    process.kill(first.pid, 'SIGKILL');
    expect(await first.exited).toBe('was killed by SIGKILL');

    const second = await start();

    expect(second.adopted).toBe(false);
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('a pid file that names a foreign process is no obstacle and harms nobody', async () => {
    const first = await start();
    const pidFile = join(dataDir, 'pgdata', 'postmaster.pid');
    const [, ...rest] = readFileSync(pidFile, 'utf8').split('\n');
    await first.stop();
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    writeFileSync(pidFile, [stranger.pid, ...rest].join('\n'));

    const second = await start();

    expect(second.adopted).toBe(false);
    expect(isAlive(stranger.pid ?? 0)).toBe(true);
    stranger.kill('SIGKILL');
  });

  test('a cluster that initdb never finished is made anew', async () => {
    const first = await start();
    await first.stop();
    const pgdata = join(dataDir, 'pgdata');
    rmSync(pgdata, { recursive: true });
    // The number of a process that cannot live: larger than any system gives.
    const unfinished = join(dataDir, 'unfinished-99999999.secret');
    writeFileSync(unfinished, 'half');

    const second = await start();

    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(existsSync(unfinished)).toBe(false);
  });

  test('a taken port is one sentence that names it', async () => {
    const blocker = await listen(port);

    const attempt = startEmbeddedPostgres({ dataDir, port, durable: false, portSetting: 'MUSTER_POSTGRES_PORT' });

    await expect(attempt).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message:
        `Port ${port}, wanted for the embedded PostgreSQL, is used by another program: ` +
        'stop it, or set MUSTER_POSTGRES_PORT to another port.',
    });
    blocker.close();
  });

  test('a lost password file is one sentence that names it', async () => {
    const first = await start();
    await first.stop();
    rmSync(join(dataDir, 'password'));

    await expect(start()).rejects.toMatchObject({
      code: 'SERVER_FAILED',
      message: expect.stringContaining(`password file ${join(dataDir, 'password')}`),
    });
  });

  test('its password is in a private file and in no command line', async () => {
    const server = await start();
    const password = readFileSync(join(dataDir, 'password'), 'utf8').trim();

    expect(statSync(join(dataDir, 'password')).mode & 0o777).toBe(0o600);
    expect(server.url).toContain(password);
    expect(commandLine(server.pid)).not.toContain(password);
    expect(readFileSync(join(dataDir, 'server.log'), 'utf8')).not.toContain(password);
  });
});

async function query(url: string, text: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(text);
    return rows;
  } finally {
    await client.end();
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server));
  });
}
