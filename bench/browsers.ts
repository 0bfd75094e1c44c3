import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import { beginSession, LONGEST_S } from '../console/session';
import { hashToken, newTokenText } from '../auth/token-text';
import { createClient } from '../store/auth-clients';
import { createToken } from '../store/auth-tokens';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Database } from '../store/database';

/** A browser that is signed in, as far as the server sees one. */
export interface SignedIn {
  readonly cookie: string;
}

/** Signs in by rows: logins are not what is measured. */
export async function signedIn(
  db: Database,
  who: { readonly roles: readonly string[]; readonly userId?: string },
): Promise<SignedIn> {
  const name = `browser-${uuidv7()}`;
  const client = await createClient(db, { ...who, name, provider: 'local', providerId: name, acl: [], metadata: {} });
  const token = await createToken(db, {
    clientId: client.id,
    hash: hashToken(newTokenText()),
    purpose: 'session',
    acl: null,
    issuedBy: 'bench',
    lifeS: LONGEST_S,
  });
  return { cookie: `muster=${await beginSession(db, { tokenId: token.id, browser: 'bench' })}` };
}

/** Live pages that stay open. */
export class OpenPages {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #requests: ClientRequest[] = [];
  #parts = 0;

  /** Parts that came over all of them. */
  get parts(): number {
    return this.#parts;
  }

  /** Opens one and waits for its first part. */
  async open(url: string, { cookie }: SignedIn): Promise<void> {
    const asked = request(url, { agent: this.#agent, headers: { cookie, accept: 'text/event-stream' } });
    this.#requests.push(asked);
    asked.on('error', () => undefined);
    asked.end();
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve);
      asked.once('error', reject);
    });
    if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}`);
    await new Promise<void>((resolve) => {
      answer.on('data', (chunk: Buffer) => {
        const parts = chunk.toString('latin1').split('event: part').length - 1;
        this.#parts += parts;
        if (parts > 0) resolve();
      });
    });
  }

  close(): void {
    for (const one of this.#requests) one.destroy();
    this.#agent.destroy();
  }
}

/** Milliseconds until the first byte of a page, for so many requests one after the other. @throws Error unless each answers 200 */
export async function firstBytes(
  url: string,
  { cookie }: SignedIn,
  asked: { readonly times: number; readonly pauseMs: number },
): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  try {
    for (let done = 0; done < asked.times; done += 1) {
      times.push(await firstByte(url, cookie, agent));
      await delay(asked.pauseMs);
    }
  } finally {
    agent.destroy();
  }
  return times;
}

function firstByte(url: string, cookie: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const asked = request(url, { agent, headers: { cookie, accept: 'text/html' } }, (answer) => {
      let firstMs: number | undefined;
      answer.on('data', () => (firstMs ??= performance.now() - begun));
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(firstMs ?? performance.now() - begun);
        else reject(new Error(`${url} answered ${answer.statusCode}`));
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}
