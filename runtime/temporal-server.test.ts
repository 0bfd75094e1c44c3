import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client, Connection } from '@temporalio/client';

import { freePort } from './ports';
import { isAlive } from './process-identity';
import { findTemporalBinary } from './temporal-binary';
import { startTemporalServer } from './temporal-server';
import type { TemporalServer } from './temporal-server';

describe('the Temporal server', () => {
  let folder: string;
  let binary: string;
  let port: number;
  const running: TemporalServer[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'muster-temporal-server-'));
    binary = (await findTemporalBinary({ environment: process.env, fallbackDir: folder })).path;
    port = await freePort();
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(options: { readonly port?: number; readonly uiPort?: number } = {}): Promise<TemporalServer> {
    const server = await startTemporalServer({ binary, dbFile: join(folder, 'temporal.db'), port, ...options });
    running.push(server);
    return server;
  }

  test('an orphan is adopted, a killed server comes back with its workflows', async () => {
    const first = await start({ uiPort: 0 });
    await startWorkflow(first.address);
    expect((await fetch(first.uiUrl ?? '')).status).toBe(200);

    const adopted = await start({ uiPort: 0 });
    expect(adopted).toMatchObject({ adopted: true, pid: first.pid, uiUrl: first.uiUrl });

    process.kill(first.pid, 'SIGKILL');
    expect(await first.exited).toBe('was killed by SIGKILL');
    const second = await start();
    expect(second).toMatchObject({ adopted: false, uiUrl: undefined });
    expect(await workflowStatus(second.address)).toBe('RUNNING');
  });

  test('an orphan on another port is stopped and started anew', async () => {
    const first = await start();
    const otherPort = await freePort();

    const second = await start({ port: otherPort });

    expect(second).toMatchObject({ adopted: false, port: otherPort });
    expect(isAlive(first.pid)).toBe(false);
  });

  test('a taken port is one sentence that names it', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => {
      blocker.listen(port, '127.0.0.1', resolve);
    });

    const attempt = startTemporalServer({
      binary,
      dbFile: join(folder, 'temporal.db'),
      port,
      portSetting: 'SOME_PORT',
    });

    await expect(attempt).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: `Port ${port}, wanted for Temporal, is used by another program: stop it, or set SOME_PORT to another port.`,
    });
    blocker.close();
  });

  test('a program that is no Temporal server is one sentence', async () => {
    const attempt = startTemporalServer({ binary: '/bin/false', dbFile: join(folder, 'temporal.db'), port });

    await expect(attempt).rejects.toMatchObject({
      code: 'SERVER_FAILED',
      message: expect.stringContaining('Temporal did not start'),
    });
  });
});

async function startWorkflow(address: string): Promise<void> {
  await withClient(address, async (client) => {
    await client.workflow.start('anything', {
      taskQueue: 'nobody-listens',
      workflowId: 'kept',
      searchAttributes: { MusterUser: ['1'], MusterService: ['demo'], MusterKind: ['create'], MusterOutcome: ['none'] },
    });
  });
}

async function workflowStatus(address: string): Promise<string> {
  return withClient(address, async (client) => (await client.workflow.getHandle('kept').describe()).status.name);
}

async function withClient<Result>(address: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}
