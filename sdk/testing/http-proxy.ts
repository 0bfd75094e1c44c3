import { createServer, request as send } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the far side is made to answer: a status, or nothing that can be read. */
export type CannedAnswer =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** A text as it is, anything else as JSON. Default `{}`. */
      readonly body?: unknown;
    }
  /** The connection breaks. */
  | 'reset'
  /** The answer begins, and never ends. */
  | 'slow body';

/** A request as it came to the proxy. */
export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Fits = (request: SeenRequest) => boolean;

/** An HTTP proxy on loopback that writes down what is asked, and answers wrongly on purpose. */
export interface HttpProxy {
  /** Where it answers, without a slash at the end. */
  readonly url: string;
  /** What was asked, in the order of its coming. */
  readonly journal: readonly SeenRequest[];
  /** The next request that fits (default: any) gets this, and does not reach the far side. */
  answerNext(answer: CannedAnswer, fits?: Fits): void;
  /** The next request that fits (default: any that writes) is done, but its answer never arrives. */
  loseNextAnswer(fits?: Fits): void;
  /** Empties the journal. */
  forget(): void;
  close(): Promise<void>;
}

interface State {
  readonly target: URL;
  readonly journal: SeenRequest[];
  readonly canned: { readonly answer: CannedAnswer; readonly fits: Fits }[];
  losing: Fits | undefined;
}

/** Starts a proxy on a free port in front of an `http:` server, e.g. `http://127.0.0.1:8080`. */
export async function startHttpProxy(target: string): Promise<HttpProxy> {
  const state: State = { target: new URL(target), journal: [], canned: [], losing: undefined };
  const server = createServer((request, response) => {
    serve(state, request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    journal: state.journal,
    answerNext: (canned, fits = () => true) => {
      state.canned.push({ answer: canned, fits });
    },
    loseNextAnswer: (fits = ({ method }) => !['GET', 'HEAD'].includes(method)) => {
      state.losing = fits;
    },
    forget: () => {
      state.journal.length = 0;
    },
    close: () => closeServer(server),
  };
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const bytes = await bodyOf(request);
  const { method = 'GET', url: path = '/', headers } = request;
  const seen = { method, path, headers, body: bytes.toString('utf8') };
  state.journal.push(seen);
  const index = state.canned.findIndex(({ fits }) => fits(seen));
  const [canned] = index < 0 ? [] : state.canned.splice(index, 1);
  if (canned !== undefined) return answer(request, response, canned.answer);
  const isLost = state.losing?.(seen) === true;
  if (isLost) state.losing = undefined;
  const { status, headers: answered, body } = await forward(state.target, seen, bytes);
  // The far side has answered, so it has done its work: now the answer gets lost.
  if (isLost) return void request.socket.destroy();
  response.writeHead(status, answered);
  response.end(body);
}

function answer(request: IncomingMessage, response: ServerResponse, canned: CannedAnswer): void {
  if (canned === 'reset') return void request.socket.destroy();
  if (canned === 'slow body') {
    response.writeHead(200, { 'content-type': 'application/json' });
    return void response.write('{');
  }
  const { status, headers, body = {} } = canned;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

interface Forwarded {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

function forward(target: URL, { method, path, headers }: SeenRequest, bytes: Buffer): Promise<Forwarded> {
  return new Promise((resolve, reject) => {
    const where = { host: target.hostname, port: target.port, method, path, headers, agent: false };
    const onward = send(where, (incoming) => {
      const status = incoming.statusCode ?? 502;
      bodyOf(incoming).then((body) => resolve({ status, headers: incoming.headers, body }), reject);
    });
    onward.once('error', reject);
    onward.end(bytes);
  });
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
