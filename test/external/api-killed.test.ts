import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../engine/organisation';
import { killAllProcesses, startRealProcess } from '../faults/real-process';
import type { RealProcess } from '../faults/real-process';
import { Browser } from '../fakes/oidc-provider/browser';
import { PUBLIC_URL, startLinking } from './linking';
import type { LinkingScene } from './linking';

const TOKEN = 'muster_token-of-the-killed-process';
let scene: LinkingScene;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'muster-external-'));
  scene = await startLinking();
}, 120_000);
afterAll(async () => {
  await killAllProcesses();
  await scene.close();
  rmSync(home, { recursive: true, force: true });
});

/** An API process as in production, on a port of its own. */
async function startApi(): Promise<{ readonly process: RealProcess; readonly url: string }> {
  const { engine } = scene;
  const process = startRealProcess('api', {
    DATABASE_URL: engine.databaseUrl,
    TEMPORAL_ADDRESS: engine.temporalAddress,
    TEMPORAL_NAMESPACE: engine.namespace,
    MUSTER_HOME: home,
    MUSTER_SECRET_KEY: engine.secretKey,
    MUSTER_ADMIN_TOKEN: TOKEN,
    MUSTER_API_PORT: '0',
    MUSTER_PUBLIC_URL: PUBLIC_URL,
  });
  await process.ready();
  const url = await eventually('it says where it answers', async () => /"url":"(http[^"]+)"/.exec(process.log())?.[1]);
  return { process, url };
}

async function begin(url: string, username: string): Promise<string> {
  const begun = await fetch(`${url}/v1/users/username:${username}/external/campus`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  expect(begun.status).toBe(201);
  return ((await begun.json()) as { readonly authorizationUrl: string }).authorizationUrl;
}

describe('an authorization', () => {
  test('completes although the API was killed between the start and the redirect', async () => {
    await scene.person('ada');
    const first = await startApi();
    const authorizationUrl = await begin(first.url, 'ada');

    await first.process.kill();
    const back = await new Browser('ada').consent(authorizationUrl);
    const second = await startApi();
    const page = await fetch(second.url + back.href.slice(PUBLIC_URL.length));

    expect([page.status, await page.text()]).toEqual([
      200,
      expect.stringContaining('ada at campus now belongs to ada'),
    ]);
    await scene.credential('ada').expect(200);
    await eventually('the redirect is in the log', async () => second.process.log().includes('callback?'));
    const log = first.process.log() + second.process.log();
    expect(log).not.toContain(back.searchParams.get('code') ?? '');
    expect(log).toContain('callback?[redacted]');
    await second.process.kill();
  });

  test('completes although the API was killed right after it had taken the redirect', async () => {
    await scene.person('bob');
    const { process, url } = await startApi();
    const back = await new Browser('bob').consent(await begin(url, 'bob'));
    // The exchange cannot happen before the process is dead.
    await scene.provider.away(true);
    const lost = fetch(url + back.href.slice(PUBLIC_URL.length)).catch(() => undefined);
    await eventually('the redirect was taken', async () => {
      const taken = await scene.engine.db.query(`select from external_authorizations where status = 'answered'`);
      return taken.rowCount === 1;
    });

    await process.kill();
    await lost;
    await scene.provider.away(false);

    const linked = await eventually('it is linked', async () => {
      const answer = await scene.credential('bob');
      return answer.status === 200 && answer;
    });
    expect(linked.body).toMatchObject({ data: { remoteId: 'bob' } });
  });
});
