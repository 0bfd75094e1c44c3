import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeDirectory, Refusal } from './fake-directory';

/** An in-house system that takes Muster's calls, on loopback: it checks the signature as standardwebhooks.com says. */
export interface FakeReceiver {
  readonly url: string;
  readonly secret: string;
  readonly directory: FakeDirectory;
  readonly journal: readonly ReceivedCall[];
  /** Answers of the next calls, in place of what the directory says. Without a body it is empty. */
  readonly answers: {
    readonly status: number;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  }[];
  /** The next call is done, but its connection breaks instead of the answer. */
  loseNextAnswer(): void;
  stop(): Promise<void>;
}

export interface ReceivedCall {
  readonly call: string;
  readonly id: string;
  readonly signatures: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
}

const TOLERANCE_S = 5 * 60;
const READING = ['testConnection', 'findAccount', 'listAccounts', 'listGroups'];

export async function startFakeReceiver(): Promise<FakeReceiver> {
  const receiver = {
    secret: `whsec_${Buffer.from('Canary-webhook-secret-of-the-receiver').toString('base64')}`,
    directory: new FakeDirectory(),
    journal: [] as ReceivedCall[],
    answers: [] as FakeReceiver['answers'],
    losesAnswer: false,
  };
  const server = createServer((request, response) => {
    void serve(receiver, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    ...receiver,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/muster?token=Canary-url-token`,
    loseNextAnswer: () => {
      receiver.losesAnswer = true;
    },
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Receiver extends Pick<FakeReceiver, 'secret' | 'directory' | 'answers'> {
  readonly journal: ReceivedCall[];
  losesAnswer: boolean;
}

async function serve(receiver: Receiver, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const text = await bodyOf(request);
  if (!isGenuine(receiver.secret, request, text)) {
    response.writeHead(401).end();
    return;
  }
  const body = JSON.parse(text) as { readonly call: string };
  receiver.journal.push({
    call: body.call,
    id: header(request, 'webhook-id'),
    signatures: signaturesOf(request),
    body: { ...body },
  });
  const answer = receiver.answers.shift() ?? answerOf(receiver.directory, body);
  if (receiver.losesAnswer && !READING.includes(body.call) && answer.status < 300) {
    receiver.losesAnswer = false;
    request.socket.destroy();
    return;
  }
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
}

function answerOf(directory: FakeDirectory, body: { readonly call: string }): FakeReceiver['answers'][number] {
  try {
    return { status: 200, body: directory.handle(body) };
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status, body: error.body };
    return { status: 400 };
  }
}

/** The specification: any one of the signatures, compared in constant time, and not older than five minutes. */
function isGenuine(secret: string, request: IncomingMessage, text: string): boolean {
  const timestamp = header(request, 'webhook-timestamp');
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) return false;
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const expected = createHmac('sha256', key)
    .update(`${header(request, 'webhook-id')}.${timestamp}.${text}`)
    .digest();
  return signaturesOf(request).some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

function signaturesOf(request: IncomingMessage): readonly string[] {
  return header(request, 'webhook-signature').split(' ');
}

function header({ headers }: IncomingMessage, name: string): string {
  return String(headers[name] ?? '');
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
