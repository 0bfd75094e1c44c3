import { EventEmitter, on } from 'node:events';
import { createServer } from 'node:http';
import express from 'express';
import { routes } from '../../api/routes/index';
import { html } from '../../console/html';
import { createPages } from '../../console/mount';
import { page } from '../../console/page';
import { beginSession } from '../../console/session';
import { revokeToken } from '../../store/auth-tokens';
import { eventually } from '../engine/organisation';
import { createTestApi } from '../environment/api';
import { testToken } from '../environment/identity';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import type { Html } from '../../console/html';
import type { TestApi } from '../environment/api';

/** Whoever holds it may see the page of this test. */
const RIGHT = 'provisioning.services.read';
const NEVER_MS = 600_000;

let api: TestApi;
const servers: Server[] = [];
const told = new EventEmitter();

const live = page({
  method: 'get',
  path: '/live',
  needs: 'GET /v1/services',
  handler: async ({ signal }) => ({ kind: 'live', parts: pieces(signal) }),
});

async function* pieces(signal: AbortSignal): AsyncGenerator<Html, void> {
  const later = on(told, 'piece', { signal });
  yield html`opened`;
  for await (const [text] of later) yield html`${String(text)}`;
}

async function serve(keepAliveMs: number): Promise<string> {
  const pages = createPages({ context: api.context, routes, pages: [live], keepAliveMs });
  const server = createServer(express().use(pages.serve));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/live`;
}

interface Reader {
  readonly tokenId: string;
  readonly clientId: string;
  /** Status of a new request. */
  ask(): Promise<number>;
  readonly text: () => string;
  readonly hasEnded: () => boolean;
}

/** A signed-in browser with the page open. */
async function reader(url: string): Promise<Reader> {
  const { tokenId, clientId } = await testToken(api.context.identity, { acl: [RIGHT] });
  const key = await beginSession(api.context.db, { tokenId, browser: 'test' });
  const ask = () => fetch(url, { headers: { Cookie: `muster=${key}`, Accept: 'text/event-stream' } });
  const seen = { text: '', hasEnded: false };
  const answer = await ask();
  void follow(answer, seen);
  await eventually('the page is open', async () => seen.text.includes('opened'));
  return {
    tokenId,
    clientId,
    ask: async () => {
      const { status, body } = await ask();
      await body?.cancel();
      return status;
    },
    text: () => seen.text,
    hasEnded: () => seen.hasEnded,
  };
}

async function follow({ body }: Response, seen: { text: string; hasEnded: boolean }): Promise<void> {
  const decoder = new TextDecoder();
  try {
    for await (const bytes of body ?? []) seen.text += decoder.decode(bytes as Uint8Array);
  } catch {
    // Broken off: that is an end as well.
  }
  seen.hasEnded = true;
}

async function reaches(one: Reader, text: string): Promise<void> {
  await eventually(`${text} is seen`, async () => one.text().includes(text));
}

beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await api.close();
});

test('nothing more reaches the open page of somebody who has signed out; that of another goes on', async () => {
  const url = await serve(NEVER_MS);
  const [gone, stays] = [await reader(url), await reader(url)];
  told.emit('piece', 'for both');
  await Promise.all([reaches(gone, 'for both'), reaches(stays, 'for both')]);

  await revokeToken(api.context.db, gone.tokenId);
  told.emit('piece', 'for one');

  await reaches(stays, 'for one');
  await eventually('it has ended', async () => gone.hasEnded());
  expect(gone.text()).not.toContain('for one');
  // Without a word of its end the browser asks again; 204 tells it to stop.
  expect(gone.text()).not.toContain('event: end');
  expect(await gone.ask()).toBe(204);
});

test('nothing more reaches the open page of somebody who has lost the right; who has gained one gets it anew', async () => {
  const url = await serve(NEVER_MS);
  const [loses, gains, stays] = [await reader(url), await reader(url), await reader(url)];
  const alter = (clientId: string, acl: readonly string[]) =>
    api.context.db.query('update auth_clients set acl = $2 where id = $1', [clientId, acl]);

  await alter(loses.clientId, []);
  await alter(gains.clientId, [RIGHT, 'provisioning.services.create']);
  told.emit('piece', 'for one');

  await reaches(stays, 'for one');
  await eventually('they have ended', async () => loses.hasEnded() && gains.hasEnded());
  expect(loses.text() + gains.text()).not.toContain('for one');
  expect(await loses.ask()).toBe(403);
  expect(await gains.ask()).toBe(200);
});

test('a page on which nothing moves ends as well, at the next sign of life', async () => {
  const url = await serve(50);
  const [gone, stays] = [await reader(url), await reader(url)];

  await revokeToken(api.context.db, gone.tokenId);

  await eventually('it has ended', async () => gone.hasEnded());
  told.emit('piece', 'still here');
  await reaches(stays, 'still here');
  expect(stays.hasEnded()).toBe(false);
});
