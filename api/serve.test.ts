import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../config/config';
import { createTestDatabase } from '../test/environment/database';
import { startApi } from './serve';
import type { AddressInfo } from 'node:net';
import type { TestDatabase } from '../test/environment/database';

describe('the API process', () => {
  let database: TestDatabase;
  let home: string;
  beforeAll(async () => {
    database = await createTestDatabase({ migrated: true });
    home = mkdtempSync(join(tmpdir(), 'muster-home-'));
  });
  afterAll(async () => {
    rmSync(home, { recursive: true });
    await database.drop();
  });

  const env = (more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
    DATABASE_URL: database.url,
    // Nobody listens on the discard port: the API must do without Temporal.
    TEMPORAL_ADDRESS: '127.0.0.1:9',
    MUSTER_HOME: home,
    MUSTER_API_PORT: '0',
    MUSTER_LOG_LEVEL: 'silent',
    ...more,
  });

  test('it starts without Temporal, serves reads and writes, and drains', async () => {
    const api = await startApi(loadConfig(env()));
    const token = readFileSync(join(home, 'admin-token'), 'utf8').trim();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

    const ready = await fetch(`${api.url}/health/ready`);
    const list = await fetch(`${api.url}/v1/operations`, { headers });
    const made = await fetch(`${api.url}/v1/users`, { method: 'POST', headers, body: '{"username":"ada"}' });
    await api.drain();

    expect(await ready.json()).toMatchObject({ status: 'degraded', database: true, temporal: false });
    expect([list.status, made.status]).toEqual([200, 202]);
    expect(statSync(join(home, 'admin-token')).mode & 0o777).toBe(0o600);
    await expect(fetch(`${api.url}/health/live`)).rejects.toThrow('fetch failed');
  });

  test('a database that is away makes it not ready, and requests 503', async () => {
    const api = await startApi(
      loadConfig(
        env({ DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none', MUSTER_ADMIN_TOKEN: 'a-long-enough-token' }),
      ),
    );

    const ready = await fetch(`${api.url}/health/ready`);
    const list = await fetch(`${api.url}/v1/operations`, { headers: { authorization: 'Bearer a-long-enough-token' } });
    await api.drain();

    expect([ready.status, list.status]).toEqual([503, 503]);
    expect(list.headers.get('retry-after')).toBe('2');
    expect(await list.json()).toMatchObject({ type: '/problems/database-unavailable' });
  });

  test('what node itself refuses is a problem document too', async () => {
    const api = await startApi(loadConfig(env()));

    const long = await exchange(api.url, `GET /v1/users/${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const garbage = await exchange(api.url, 'NONSENSE\r\n\r\n');
    await api.drain();

    expect(long).toMatch(/^HTTP\/1\.1 431 [\s\S]*"type":"\/problems\/headers-too-large"/);
    expect(garbage).toMatch(/^HTTP\/1\.1 400 [\s\S]*"type":"\/problems\/invalid-request"/);
  });

  test('a taken port is one clear sentence', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;

    await expect(startApi(loadConfig(env({ MUSTER_API_PORT: String(port) })))).rejects.toThrow(
      `127.0.0.1:${port} is used by another program: set MUSTER_API_PORT to a free port.`,
    );

    await new Promise((resolve) => other.close(resolve));
  });
});

/** Sends bytes as they are; everything that came back. */
function exchange(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes));
    socket.on('data', (chunk) => {
      received += chunk.toString('utf8');
    });
    socket.once('close', () => resolve(received));
    socket.once('error', reject);
  });
}
