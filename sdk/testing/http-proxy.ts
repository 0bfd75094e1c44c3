import { createServer, request as send } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the far side is made to answer: a status, or nothing that can be read. */
export type CannedAnswer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** The connection breaks. */
  | 'reset'
  /** The answer begins, and never ends. */
  | 'slow body';

/** An HTTP proxy on loopback that answers wrongly on purpose. */
export interface HttpProxy {
  /** Where it answers, without a slash at the end. */
  readonly url: string;
  /** The next request gets this, and does not reach the far side. */
  answerNext(answer: CannedAnswer): void;
  /** The next request of which `isMeant` holds (default: any that writes) is done, but its answer never arrives. */
  loseNextAnswer(isMeant?: (request: IncomingMessage) => boolean): void;
  close(): Promise<void>;
}

interface State {
  canned: CannedAnswer | undefined;
  isLost: ((request: IncomingMessage) => boolean) | undefined;
}

/** Starts a proxy on a free port in front of an `http:` server, e.g. `http://127.0.0.1:8080`. */
export async function startHttpProxy(target: string): Promise<HttpProxy> {
  const state: State = { canned: undefined, isLost: undefined };
  const server = createServer((request, response) => {
    const { canned } = state;
    state.canned = undefined;
    if (canned === undefined) forward(new URL(target), { request, response }, state);
    else answer(request, response, canned);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answerNext: (canned) => {
      state.canned = canned;
    },
    loseNextAnswer: (isMeant = (request) => request.method !== 'GET') => {
      state.isLost = isMeant;
    },
    close: () => closeServer(server),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, canned: CannedAnswer): void {
  if (canned === 'reset') return void request.socket.destroy();
  if (canned === 'slow body') {
    response.writeHead(200, { 'content-type': 'application/json' });
    return void response.write('{');
  }
  response.writeHead(canned.status, { 'content-type': 'application/json', ...canned.headers });
  response.end(canned.body ?? '{}');
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

function forward(target: URL, { request, response }: Exchange, state: State): void {
  const isLost = state.isLost?.(request) === true;
  if (isLost) state.isLost = undefined;
  const { method, headers, url: path } = request;
  const onward = send({ host: target.hostname, port: target.port, method, headers, path }, (answered) => {
    // The far side has answered, so it has done its work: now the answer gets lost.
    if (isLost) {
      answered.resume();
      return void request.socket.destroy();
    }
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(response);
  });
  onward.on('error', () => request.socket.destroy());
  request.pipe(onward);
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
