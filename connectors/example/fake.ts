import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeState, Refusal } from './fake-state';

/** The example service as a real HTTP server on loopback, in memory, with a journal and faults. */
export interface FakeService {
  readonly url: string;
  readonly token: string;
  readonly state: FakeState;
  /** Every request: method, path without query, status (0 = the answer was lost). */
  readonly journal: readonly JournalEntry[];
  /** The next write is done, but its connection breaks instead of the answer. */
  loseNextAnswer(): void;
  /** The next `count` requests are answered 429 with this Retry-After, in seconds. */
  throttle(seconds: number, count?: number): void;
  /** The next `count` requests fail with 500 before anything is done. */
  fail(count?: number): void;
  stop(): Promise<void>;
}

export interface JournalEntry {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

interface Faults {
  loseAnswer: boolean;
  throttled: { seconds: number; count: number };
  failing: number;
}

/** Starts the fake on `port` (default: a free one). */
export async function startFake(
  options: { readonly token?: string; readonly port?: number } = {},
): Promise<FakeService> {
  const token = options.token ?? 'example-token';
  const state = new FakeState();
  const journal: JournalEntry[] = [];
  const faults: Faults = { loseAnswer: false, throttled: { seconds: 0, count: 0 }, failing: 0 };
  const server = createServer((request, response) => {
    void serve({ state, faults, token, journal }, request, response);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    state,
    journal,
    loseNextAnswer: () => {
      faults.loseAnswer = true;
    },
    throttle: (seconds, count = 1) => {
      faults.throttled = { seconds, count };
    },
    fail: (count = 1) => {
      faults.failing = count;
    },
    stop: () => stop(server),
  };
}

interface Service {
  readonly state: FakeState;
  readonly faults: Faults;
  readonly token: string;
  readonly journal: JournalEntry[];
}

async function serve(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const method = request.method ?? 'GET';
  const url = new URL(request.url ?? '/', 'http://fake');
  const note = (status: number): void => void service.journal.push({ method, path: url.pathname, status });
  const answer = (status: number, body?: unknown, headers: Readonly<Record<string, string>> = {}): void => {
    note(status);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined ? '' : JSON.stringify(body));
  };
  try {
    const text = await bodyOf(request);
    const refused = refusal(service, request);
    if (refused !== undefined) return answer(refused.status, refused.body, refused.headers);
    const result = service.state.handle({
      method,
      path: url.pathname,
      query: url.searchParams,
      body: text === '' ? {} : JSON.parse(text),
    });
    if (service.faults.loseAnswer && method !== 'GET') {
      service.faults.loseAnswer = false;
      note(0);
      request.socket.destroy();
      return;
    }
    answer(result.status, result.body);
  } catch (error) {
    if (error instanceof Refusal) answer(error.status, { error: error.message });
    else answer(400, { error: 'bad request' });
  }
}

interface EarlyAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

function refusal({ faults, token }: Service, request: IncomingMessage): EarlyAnswer | undefined {
  if (request.headers.authorization !== `Bearer ${token}`) return { status: 401, body: { error: 'who are you?' } };
  if (faults.throttled.count > 0) {
    faults.throttled.count -= 1;
    return { status: 429, body: { error: 'slow down' }, headers: { 'retry-after': String(faults.throttled.seconds) } };
  }
  if (faults.failing > 0) {
    faults.failing -= 1;
    return { status: 500, body: { error: 'oops' } };
  }
  return undefined;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
