import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { FakeForum, Refusal } from './fake-state';

/** The forum on loopback, with a journal and faults. */
export interface FakeDiscourse {
  readonly url: string;
  readonly apiKey: string;
  readonly connectSecret: string;
  readonly forum: FakeForum;
  readonly journal: readonly { readonly method: string; readonly path: string; readonly as: string }[];
  /** Answers in place of the forum's, for the next requests. */
  readonly answers: {
    readonly status: number;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  }[];
  /** The next write is done, but its connection breaks instead of the answer. */
  loseNextAnswer(): void;
  stop(): Promise<void>;
}

export async function startFakeDiscourse(): Promise<FakeDiscourse> {
  const connectSecret = 'Canary-connect-secret';
  const service = {
    apiKey: 'Canary-discourse-api-key',
    connectSecret,
    forum: new FakeForum(connectSecret),
    journal: [] as { method: string; path: string; as: string }[],
    answers: [] as FakeDiscourse['answers'],
    losesAnswer: false,
  };
  const server = createServer((request, response) => {
    void serve(service, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    ...service,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    loseNextAnswer: () => {
      service.losesAnswer = true;
    },
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Service extends Pick<FakeDiscourse, 'apiKey' | 'forum' | 'answers'> {
  readonly journal: { method: string; path: string; as: string }[];
  losesAnswer: boolean;
}

async function serve(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const text = await bodyOf(request);
  const url = new URL(request.url ?? '/', 'http://fake');
  const method = request.method ?? 'GET';
  service.journal.push({ method, path: url.pathname, as: String(request.headers['api-username'] ?? '') });
  const answer = service.answers.shift() ?? answerOf(service, request, { url, text });
  if (service.losesAnswer && method !== 'GET' && answer.status < 300) {
    service.losesAnswer = false;
    request.socket.destroy();
    return;
  }
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
}

function answerOf(
  { forum, apiKey }: Service,
  request: IncomingMessage,
  { url, text }: { readonly url: URL; readonly text: string },
): FakeDiscourse['answers'][number] {
  if (request.headers['api-key'] !== apiKey) {
    return {
      status: 403,
      body: { errors: ['You are not permitted to view the requested resource.'], error_type: 'invalid_access' },
    };
  }
  try {
    const body = (text === '' ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>;
    return { status: 200, body: forum.handle(request.method ?? 'GET', url, body) };
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status, body: error.body };
    if (error instanceof z.ZodError) return { status: 422, body: { errors: ['is invalid'] } };
    return { status: 400, body: { errors: ['bad request'], error_type: 'invalid_parameters' } };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
