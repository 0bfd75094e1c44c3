import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../engine/organisation';
import { startTestEngine } from '../engine/engine';
import type { TestEngine } from '../engine/engine';
import { describeWith } from '../connectors/programs';
import { startSlapd } from '../connectors/slapd';
import type { Slapd } from '../connectors/slapd';
import { killAllProcesses, startRealProcess } from '../faults/real-process';
import type { RealProcess } from '../faults/real-process';
import { databaseDump, histories, leaksIn } from '../security/leaks';

const TOKEN = 'muster_token-of-the-killed-process';
const PASSWORD = 'canary-of-a-killed-directory';

describeWith(['slapd', 'ldapmodify'], 'a client that is made in a directory', () => {
  let slapd: Slapd;
  let engine: TestEngine;
  let home: string;
  const processes: RealProcess[] = [];
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'muster-client-writes-'));
    [slapd, engine] = await Promise.all([startSlapd(), startTestEngine({ worker: false })]);
    const { url, bindDn, bindPassword, userBase: base } = slapd.config;
    const config = { url, plaintext: true, bindDn, bindPassword, base, writes: {} };
    // JSON is YAML.
    const providers = { local: {}, staff: { kind: 'ldap', config } };
    writeFileSync(join(home, 'muster.yaml'), JSON.stringify({ auth: { providers } }));
  }, 120_000);
  afterAll(async () => {
    await killAllProcesses();
    await engine?.close();
    await slapd?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  async function start(entry: 'api' | 'workers', more: Readonly<Record<string, string>> = {}): Promise<RealProcess> {
    const started = startRealProcess(entry, {
      DATABASE_URL: engine.databaseUrl,
      TEMPORAL_ADDRESS: engine.temporalAddress,
      TEMPORAL_NAMESPACE: engine.namespace,
      MUSTER_HOME: home,
      MUSTER_CONFIG: join(home, 'muster.yaml'),
      MUSTER_SECRET_KEY: engine.secretKey,
      MUSTER_ADMIN_TOKEN: TOKEN,
      MUSTER_API_PORT: '0',
      MUSTER_CALL_TIMEOUT_MS: '1500',
      ...more,
    });
    processes.push(started);
    await started.ready();
    return started;
  }

  const urlOf = (api: RealProcess): Promise<string> =>
    eventually('it says where it answers', async () => /"url":"(http[^"]+)"/.exec(api.log())?.[1]);

  async function ask(
    url: string,
    path: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const answer = await fetch(url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', prefer: 'wait=0' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  }

  test('is made once and is there, although worker and API were killed when the directory had just written it', async () => {
    const first = await start('api');
    const worker = await start('workers', { MUSTER_FAILPOINT: 'client-write:after-call' });
    const body = { provider: 'staff', username: 'ada', password: PASSWORD };
    const asked = await ask(await urlOf(first), '/v1/auth/clients/create', body);
    expect(asked.status).toBe(202);
    expect(await worker.deathWithin(30_000)).toBe('SIGKILL');
    await first.kill();
    expect(await slapd.search(slapd.userBase, '(uid=ada)')).toHaveLength(1);

    const second = await start('api');
    const url = await urlOf(second);
    const path = `/v1/operations/${(asked.body as { operation: { id: string } }).operation.id}`;
    expect((await ask(url, path)).body).toMatchObject({ operation: { kind: 'createClient', status: 'running' } });
    await start('workers');

    const ended = await eventually('it is done', async () => {
      const { body: shown } = await ask(url, path);
      return (shown as { operation: { status: string } }).operation.status === 'succeeded' && shown;
    });
    expect(ended).toMatchObject({ operation: { detail: { provider: 'staff', client: expect.any(String) } } });
    expect(await slapd.search(slapd.userBase, '(uid=ada)')).toHaveLength(1);
    const login = await ask(url, '/v1/auth', { username: 'ada', password: PASSWORD });
    expect(login).toMatchObject({ status: 200, body: { client: { name: 'ada', provider: 'staff' } } });
    const places = [
      ...(await databaseDump(engine.db)),
      ...(await histories(engine)),
      { where: 'the logs', text: processes.map((one) => one.log()).join('\n') },
    ];
    expect(leaksIn(places, { PASSWORD })).toEqual([]);
  });
});
