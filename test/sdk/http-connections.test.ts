import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { HttpClient, tlsFields, tlsOf } from '../../sdk/index';
import type { CallContext, HttpClientOptions } from '../../sdk/index';
import { TEST_CERTIFICATES } from '../connectors/certificates';

const { ca, cert, key } = TEST_CERTIFICATES;

let plain: Server;
let encrypted: Server;
let mutual: Server;
const clients: HttpClient[] = [];

beforeAll(async () => {
  plain = await listening(createServer(echo));
  encrypted = await listening(createTlsServer({ cert, key }, echo));
  mutual = await listening(createTlsServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, echo));
});

afterAll(async () => {
  await Promise.all(clients.map((each) => each.close()));
  for (const server of [plain, encrypted, mutual]) server.close();
});

/** Says what it was sent. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.writeHead(201, { etag: '"7"' });
    const type = request.headers['content-type'] ?? null;
    response.end(JSON.stringify({ type, body: Buffer.concat(chunks).toString(), port: request.socket.remotePort }));
  });
}

async function listening<T extends Server>(server: T): Promise<T> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function client(server: Server, options: Partial<HttpClientOptions> = {}): HttpClient {
  const scheme = server === plain ? 'http' : 'https';
  const baseUrl = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const made = new HttpClient({ baseUrl, ...options });
  clients.push(made);
  return made;
}

const call: CallContext = { signal: new AbortController().signal, timeoutMs: 10_000 };
const Echo = z.object({ type: z.string().nullable(), body: z.string(), port: z.number() });

test.each([
  [{ body: { a: 1 } }, 'application/json', '{"a":1}'],
  [{ form: { grant_type: 'x', scope: 'a b' } }, 'application/x-www-form-urlencoded', 'grant_type=x&scope=a+b'],
  [
    { text: '{"signed": true}', headers: { 'content-type': 'application/json' } },
    'application/json',
    '{"signed": true}',
  ],
  [{ body: {}, headers: { 'content-type': 'application/scim+json' } }, 'application/scim+json', '{}'],
  [{}, null, ''],
])('a request with %j carries %s', async (request, type, body) => {
  const reply = await client(plain).exchange({ method: 'POST', path: '/', answer: Echo, ...request }, call);

  expect(reply).toMatchObject({ status: 201, data: { type, body } });
  expect(reply.headers.get('etag')).toBe('"7"');
});

test('a client opens as many connections as it may, and uses them again', async () => {
  const own = client(plain, { maxConnections: 2 });

  const answers = await Promise.all(
    Array.from({ length: 20 }, () => own.request({ method: 'GET', path: '/', answer: Echo }, call)),
  );

  expect(new Set(answers.map(({ port }) => port)).size).toBe(2);
});

test('two clients share no connection', async () => {
  const [one, other] = [client(plain), client(plain)];
  const request = { method: 'GET', path: '/', answer: Echo } as const;

  expect((await one.request(request, call)).port).not.toBe((await other.request(request, call)).port);
});

test('a client that is closed sends nothing more', async () => {
  const own = client(plain);
  await own.close();

  await expect(own.request({ method: 'GET', path: '/' }, call)).rejects.toMatchObject({ kind: 'unavailable' });
});

describe('an encrypted connection', () => {
  const Config = z.strictObject(tlsFields);
  const over = (server: Server, config: z.input<typeof Config>): Promise<unknown> =>
    client(server, { tls: tlsOf(Config.parse(config)) }).request({ method: 'GET', path: '/' }, call);

  test('comes about with the authority that is named', async () => {
    await expect(over(encrypted, { tlsCa: ca })).resolves.toBeUndefined();
    await expect(over(encrypted, { tlsCa: ca, tlsServerName: 'server.example.org' })).resolves.toBeUndefined();
  });

  test.each([
    ['an authority that nobody named', {}],
    ['another name than the one wanted', { tlsCa: ca, tlsServerName: 'other.example.org' }],
  ])('is refused for %s, and it is the configuration', async (_title, config) => {
    await expect(over(encrypted, config)).rejects.toMatchObject({ kind: 'misconfigured', code: 'tls' });
  });

  test('comes about without any check only when that is asked for', async () => {
    await expect(over(encrypted, { tlsAcceptAnyCertificate: true })).resolves.toBeUndefined();
  });

  test('shows our certificate where it is asked for', async () => {
    await expect(over(mutual, { tlsCa: ca, tlsCertificate: cert, tlsKey: key })).resolves.toBeUndefined();
    await expect(over(mutual, { tlsCa: ca })).rejects.toMatchObject({ kind: expect.stringMatching(/^(un|mis)/) });
  });

  test('with a service that speaks none is the configuration too', async () => {
    const port = (plain.address() as AddressInfo).port;
    const own = client(plain, { baseUrl: `https://127.0.0.1:${port}` });

    await expect(own.request({ method: 'GET', path: '/' }, call)).rejects.toMatchObject({ code: 'tls' });
  });

  test('takes PEM only', () => {
    expect(Config.safeParse({ tlsCa: '/etc/ssl/ca.pem' }).success).toBe(false);
    expect(Config.safeParse({ tlsKey: key, tlsCertificate: cert }).success).toBe(true);
  });
});
