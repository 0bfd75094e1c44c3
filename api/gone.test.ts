import { createServer, get } from 'node:http';
import { getEventListeners } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Server, ServerResponse } from 'node:http';
import { untilGone } from './gone';

let server: Server;
let draining: AbortController;
let answer: (response: ServerResponse) => void;

beforeEach(async () => {
  draining = new AbortController();
  server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function ask(): ReturnType<typeof get> {
  const asked = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false });
  asked.on('error', () => undefined);
  asked.on('response', (response) => response.resume());
  return asked;
}

function signalOf(response: ServerResponse): Promise<AbortSignal> {
  const signal = untilGone(response, draining.signal);
  return new Promise((resolve) => response.once('close', () => resolve(signal)));
}

test('who was sent everything leaves nothing behind', async () => {
  const closed = new Promise<AbortSignal>((resolve) => {
    answer = (response) => {
      void signalOf(response).then(resolve);
      response.end('all of it');
    };
  });
  ask();

  const signal = await closed;

  expect(signal.aborted).toBe(false);
  expect(getEventListeners(draining.signal, 'abort')).toHaveLength(0);
});

test('who goes away in the middle is noticed', async () => {
  const closed = new Promise<AbortSignal>((resolve) => {
    answer = (response) => {
      void signalOf(response).then(resolve);
      response.write('half');
    };
  });
  const asked = ask();
  asked.on('response', () => asked.destroy());

  const signal = await closed;

  expect(signal.aborted).toBe(true);
  expect(getEventListeners(draining.signal, 'abort')).toHaveLength(0);
});

test('everybody is told when the process drains', async () => {
  const asked = new Promise<AbortSignal>((resolve) => {
    answer = (response) => resolve(untilGone(response, draining.signal));
  });
  ask();
  const signal = await asked;

  draining.abort();

  expect(signal.aborted).toBe(true);
});
