import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeLimits } from './fake-limits';
import type { LimitSettings } from './fake-limits';
import { FakeState, Refusal } from './fake-state';

/** Discord's API on loopback, with its limits, one server, a journal and faults. */
export interface FakeDiscord {
  /** With the version, as the configuration wants it. */
  readonly url: string;
  readonly token: string;
  readonly state: FakeState;
  readonly limits: FakeLimits;
  readonly journal: readonly JournalEntry[];
  /** The next write is done, but its connection breaks instead of the answer. */
  loseNextAnswer(): void;
  stop(): Promise<void>;
}

export interface JournalEntry {
  readonly method: string;
  readonly path: string;
  /** 0 = the answer was lost. */
  readonly status: number;
  readonly userAgent: string;
  readonly reason: string | undefined;
  readonly body: string;
}

const PREFIX = '/api/v10';
const GENEROUS: LimitSettings = { perRoute: 10_000, routeWindowMs: 1000, globalPerSecond: 10_000, maxInvalid: 10_000 };

interface Service {
  readonly token: string;
  readonly state: FakeState;
  readonly limits: FakeLimits;
  readonly journal: JournalEntry[];
  losesAnswer: boolean;
}

/** Starts it on a free port. `nowMs` is the clock of its limits; default the real one. */
export async function startFakeDiscord(
  options: { readonly limits?: Partial<LimitSettings>; readonly nowMs?: () => number } = {},
): Promise<FakeDiscord> {
  const service: Service = {
    token: 'Canary-discord-bot-token',
    state: new FakeState(),
    limits: new FakeLimits({ ...GENEROUS, ...options.limits }, options.nowMs ?? Date.now),
    journal: [],
    losesAnswer: false,
  };
  const server = createServer((request, response) => {
    void serve(service, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PREFIX}`,
    ...service,
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

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

async function serve(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request);
  const url = new URL(request.url ?? '/', 'http://fake');
  const reply = replyOf(service, request, { url, body });
  const method = request.method ?? 'GET';
  const isLost = service.losesAnswer && method !== 'GET' && reply.status < 300;
  service.journal.push({
    method,
    path: url.pathname.slice(PREFIX.length),
    status: isLost ? 0 : reply.status,
    userAgent: request.headers['user-agent'] ?? '',
    reason: reasonOf(request),
    body,
  });
  if (isLost) {
    service.losesAnswer = false;
    request.socket.destroy();
    return;
  }
  service.limits.note(reply.status, reply.headers?.['x-ratelimit-scope']);
  send(response, reply);
}

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  const isText = typeof body === 'string';
  response.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json', ...headers });
  if (isText) response.end(body);
  else response.end(body === undefined ? '' : JSON.stringify(body));
}

function reasonOf({ headers }: IncomingMessage): string | undefined {
  const reason = headers['x-audit-log-reason'];
  return typeof reason === 'string' ? decodeURIComponent(reason) : undefined;
}

function replyOf(
  { state, limits, token }: Service,
  request: IncomingMessage,
  { url, body }: { readonly url: URL; readonly body: string },
): Reply {
  if (!url.pathname.startsWith(`${PREFIX}/`)) return { status: 404, body: { code: 0, message: '404: Not Found' } };
  const segments = url.pathname
    .slice(PREFIX.length + 1)
    .split('/')
    .map(decodeURIComponent);
  const route = routeOf(request.method ?? 'GET', segments);
  const refused = limits.refuse(route);
  if (refused !== undefined) return refused;
  const headers = limits.headers(route);
  if (request.headers.authorization !== `Bot ${token}`)
    return { status: 401, headers, body: { code: 0, message: '401: Unauthorized' } };
  try {
    const answer = state.handle({
      method: request.method ?? 'GET',
      segments,
      query: url.searchParams,
      body: body === '' ? {} : JSON.parse(body),
      reason: reasonOf(request),
    });
    return { ...answer, headers };
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status, headers, body: { code: error.code, message: 'no' } };
    return { status: 400, headers, body: { code: 50109, message: 'The request body contains invalid JSON.' } };
  }
}

/** The server counts for the bucket, what is below it does not. */
function routeOf(method: string, [kind = '', id = '', part = '', item]: readonly string[]): string {
  return `${method} /${kind}/${id}/${part}${item === undefined ? '' : '/{}'}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
