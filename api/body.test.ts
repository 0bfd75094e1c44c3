import { Readable } from 'node:stream';
import { createApp } from './app';
import { Problem } from './problem';
import { route } from './route';
import { adminTokenAuthenticator } from '../auth/admin-token';
import { createTestApi } from '../test/environment/api';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import type { TestApi } from '../test/environment/api';

const LIMIT = 100_000;

const count = route({
  method: 'post',
  path: '/v1/count',
  acl: 'test.count',
  summary: 'Counts the bytes of its body',
  tags: ['test'],
  stream: { contentTypes: ['text/csv'], maxBytes: LIMIT },
  responses: { 200: { description: 'done' } },
  async handler({ stream, headers }) {
    let bytes = 0;
    for await (const chunk of stream) {
      bytes += (chunk as Buffer).length;
      if (headers['x-stop'] !== undefined) throw new Problem('invalid-roster', 'A bad line at the top.');
    }
    return { status: 200, body: { bytes } };
  },
});

describe('a streamed body', () => {
  let api: TestApi;
  let server: Server;
  let url: string;
  beforeAll(async () => {
    api = await createTestApi();
    const authenticator = adminTokenAuthenticator(api.token);
    server = createServer(createApp({ context: api.context, routes: [count], authenticator }));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/count`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await api.close();
  });

  const send = (body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${api.token}`, 'content-type': 'text/csv', ...headers },
      body,
      duplex: 'half',
    } as unknown as RequestInit);

  test('reaches the handler whole', async () => {
    const answer = await send(Readable.from([Buffer.alloc(60_000), Buffer.alloc(40_000)]));

    expect(await answer.json()).toEqual({ bytes: LIMIT });
  });

  test('is refused by its announced length', async () => {
    const answer = await send(Buffer.alloc(LIMIT + 1));

    expect([answer.status, await answer.json()]).toEqual([
      413,
      expect.objectContaining({ type: '/problems/body-too-large' }),
    ]);
  });

  test('is cut off when it grows beyond the limit', async () => {
    const answer = await send(Readable.from([Buffer.alloc(90_000), Buffer.alloc(90_000)]));

    expect(answer.status).toBe(413);
  });

  test('is answered at once when the handler has seen enough', async () => {
    const answer = await send(Buffer.alloc(LIMIT), { 'x-stop': 'yes' });

    expect([answer.status, await answer.json()]).toEqual([
      422,
      expect.objectContaining({ type: '/problems/invalid-roster' }),
    ]);
  });

  test.each([['application/json'], ['text/html']])('of the type %s is refused by name', async (type) => {
    const answer = await send('{}', { 'content-type': type });

    expect([answer.status, await answer.json()]).toEqual([
      415,
      expect.objectContaining({ detail: 'This route takes text/csv.' }),
    ]);
  });
});
