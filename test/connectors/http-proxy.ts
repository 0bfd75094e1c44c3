import { createServer, request as sendRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An answer that the proxy gives by itself, in place of the far side. */
export interface OwnAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Stands between a manager and a real server, writes down what is asked, and breaks what it is told to. */
export interface HttpProxy {
  readonly url: string;
  readonly journal: readonly SeenRequest[];
  /** The next write (that fits) is done by the far side, but its answer never arrives. */
  loseNextAnswer(fits?: (request: SeenRequest) => boolean): void;
  /** The next request that fits is answered so, and does not reach the far side. */
  answerNext(answer: OwnAnswer, fits?: (request: SeenRequest) => boolean): void;
  forget(): void;
  stop(): Promise<void>;
}

interface State {
  readonly target: URL;
  readonly journal: SeenRequest[];
  readonly answers: { readonly answer: OwnAnswer; readonly fits: (request: SeenRequest) => boolean }[];
  losing: ((request: SeenRequest) => boolean) | undefined;
}

/** Starts it on a free port in front of `target`, e.g. `http://127.0.0.1:18100`. */
export async function startHttpProxy(target: string): Promise<HttpProxy> {
  const state: State = { target: new URL(target), journal: [], answers: [], losing: undefined };
  const server = createServer((request, response) => {
    void serve(state, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    journal: state.journal,
    loseNextAnswer: (fits = () => true) => {
      state.losing = fits;
    },
    answerNext: (answer, fits = () => true) => {
      state.answers.push({ answer, fits });
    },
    forget: () => {
      state.journal.length = 0;
    },
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request);
  const { method = 'GET', url: path = '/', headers } = request;
  const seen = { method, path, headers, body: body.toString('utf8') };
  state.journal.push(seen);
  const index = state.answers.findIndex(({ fits }) => fits(seen));
  const [own] = index < 0 ? [] : state.answers.splice(index, 1);
  if (own !== undefined) {
    response.writeHead(own.answer.status, { 'content-type': 'application/json', ...own.answer.headers });
    response.end(own.answer.body === undefined ? '' : JSON.stringify(own.answer.body));
    return;
  }
  const answer = await forward(state.target, seen, body).catch(() => undefined);
  const isLost = !['GET', 'HEAD'].includes(method) && state.losing?.(seen) === true;
  if (isLost) state.losing = undefined;
  if (isLost || answer === undefined) {
    request.socket.destroy();
    return;
  }
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body);
}

interface Forwarded {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

function forward(target: URL, { method, path, headers }: SeenRequest, body: Buffer): Promise<Forwarded> {
  return new Promise((resolve, reject) => {
    const options = { host: target.hostname, port: target.port, method, path, headers, agent: false };
    const outgoing = sendRequest(options, (incoming) => {
      bodyOf(incoming).then(
        (answer) => resolve({ status: incoming.statusCode ?? 502, headers: incoming.headers, body: answer }),
        reject,
      );
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
