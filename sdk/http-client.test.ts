import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { z } from 'zod';
import { Conflict, Gone, Misconfigured, Rejected, Throttled, Unavailable } from './errors';
import { HttpClient } from './http-client';
import type { HttpClientOptions } from './http-client';
import type { CallContext } from './manager';
import { path } from './url-path';
import { MUSTER_VERSION } from './version';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let handler: Handler;
let origin: string;
const server = createServer((request, response) => handler(request, response));

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const User = z.object({ id: z.string() });

function client(options: Partial<HttpClientOptions> = {}): HttpClient {
  return new HttpClient({ baseUrl: `http://${origin}/api/`, ...options });
}

function call(timeoutMs = 5000): CallContext {
  return { signal: new AbortController().signal, timeoutMs };
}

function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Handler {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test('sends JSON below the base URL and checks the answer', async () => {
  const seen: string[] = [];
  handler = (request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['user-agent']} ${request.headers.authorization}`);
    answer(200, { id: '7', more: true })(request, response);
  };
  const own = client({ baseUrl: `http://ada:s%2Fcret@${origin}/api/`, userAgent: 'example/2' });

  const user = await own.request(
    { method: 'POST', path: path`/users/${'a/b ?'}`, query: { page: 2, none: undefined }, body: {}, answer: User },
    call(),
  );

  expect(user).toEqual({ id: '7' });
  const basic = Buffer.from('ada:s/cret').toString('base64');
  expect(seen).toEqual([`POST /api/users/a%2Fb%20%3F?page=2 Muster/${MUSTER_VERSION} example/2 Basic ${basic}`]);
});

test.each([
  [400, Rejected],
  [401, Misconfigured],
  [403, Misconfigured],
  [404, Misconfigured],
  [408, Unavailable],
  [409, Conflict],
  [422, Rejected],
  [429, Throttled],
  [500, Unavailable],
  [503, Unavailable],
])('a %i becomes %p', async (status, kind) => {
  handler = answer(status, { error: 'no' });

  expect(await failure(client().request({ method: 'GET', path: '/x' }, call()))).toBeInstanceOf(kind);
});

test('a 404 is gone only where the caller says so', async () => {
  handler = answer(404, {});
  const request = { method: 'GET', path: path`/users/${7}`, answer: User, notFound: 'gone' } as const;

  expect(await failure(client().request(request, call()))).toBeInstanceOf(Gone);
  expect(await client().find(request, call())).toBeUndefined();
});

test('a 429 carries the time that the service names', async () => {
  handler = answer(429, { retry_after: 2.5 });

  expect(await failure(client().request({ method: 'GET', path: '/x' }, call()))).toMatchObject({ retryAfterMs: 2500 });
});

test('a redirect is not followed with our credentials', async () => {
  handler = answer(302, '', { location: `http://${origin}/elsewhere` });

  expect(await failure(client().request({ method: 'GET', path: '/x' }, call()))).toBeInstanceOf(Misconfigured);
});

test.each(['<html>maintenance</html>', '{"id":7}', ''])(
  'an answer that is not as expected is unavailable: %s',
  async (body) => {
    handler = answer(200, body);

    expect(await failure(client().request({ method: 'GET', path: '/x', answer: User }, call()))).toMatchObject({
      kind: 'unavailable',
      code: 'unexpected-answer',
    });
  },
);

test('an endless answer is cut off', async () => {
  handler = answer(200, `"${'x'.repeat(5000)}"`);
  const small = client({ maxAnswerBytes: 1000 });

  expect(await failure(small.request({ method: 'GET', path: '/x' }, call()))).toBeInstanceOf(Unavailable);
});

test('a call ends with its time, also while the body arrives', async () => {
  handler = (_request, response) => {
    response.writeHead(200);
    response.write('{');
  };

  expect(await failure(client().request({ method: 'GET', path: '/x' }, call(100)))).toMatchObject({ code: 'timeout' });
});

test('a connection that breaks is unavailable', async () => {
  handler = (request) => request.socket.destroy();

  expect(await failure(client().request({ method: 'GET', path: '/x' }, call()))).toMatchObject({ code: 'network' });
});

test('the connector may know better than the status', async () => {
  handler = answer(400, { code: 10_007 });
  const own = client({
    translate: ({ body }) =>
      z.object({ code: z.literal(10_007) }).safeParse(body).success ? new Gone('gone') : undefined,
  });

  expect(await failure(own.request({ method: 'GET', path: '/x' }, call()))).toBeInstanceOf(Gone);
});

test('nothing secret or personal is in a failure', async () => {
  handler = answer(400, { error: 'Canary-body' });
  const own = client({ baseUrl: `http://u:Canary-url@${origin}`, headers: { 'x-token': 'Canary-header' } });
  const request = {
    method: 'POST',
    path: path`/users/${'Canary-name'}`,
    query: { key: 'Canary-query' },
    body: { password: 'Canary-secret' },
  } as const;

  const refused = await failure(own.request(request, call()));
  handler = (incoming) => incoming.socket.destroy();
  const broken = await failure(own.request(request, call()));

  const shown = [refused, broken].map((error) => inspect(error, { depth: 9 }) + JSON.stringify(error)).join();
  expect(shown).toContain('POST /users/{}');
  expect(shown).not.toContain('Canary');
  expect(inspect(own, { depth: 9 })).not.toContain('Canary');
});

test('a bad base URL is misconfigured and not repeated', () => {
  expect(() => client({ baseUrl: 'ftp://u:Canary@x' })).toThrow(Misconfigured);
  expect(() => client({ baseUrl: 'Canary' })).not.toThrow(/Canary/);
});

test.each(['', '.', '..', '\ud800'])('a value that cannot be a path segment is rejected: %j', (value) => {
  expect(() => path`/users/${value}`).toThrow(Rejected);
});

test('the version is that of the package', () => {
  const manifest: unknown = JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8'));

  expect(manifest).toMatchObject({ version: MUSTER_VERSION });
});
