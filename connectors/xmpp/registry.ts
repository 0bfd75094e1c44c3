import { createHash } from 'node:crypto';
import type { AccountKey, CallContext } from '@muster/sdk';
import { z } from 'zod';
import type { EjabberdApi } from './api';

/** What is known of one account that Muster made. */
const Entry = z.object({
  owner: z.string(),
  userId: z.string(),
  /** The local part of its JID. */
  user: z.string(),
  /** Its identity: a name may be used again, this is not. */
  id: z.string(),
  /** `claimed`: about to be registered. */
  state: z.enum(['claimed', 'active', 'banned']),
});
export type Entry = z.infer<typeof Entry>;

/**
 * Accounts of XMPP have no field for a key that their owners cannot write. So it is kept in the private storage (XEP-0049) of
 * Muster's own account: an element for each person, found by the key, and one for each name, for listings.
 */
export class Registry {
  readonly #api: EjabberdApi;

  constructor(api: EjabberdApi) {
    this.#api = api;
  }

  byKey({ owner, userId }: Pick<AccountKey, 'owner' | 'userId'>, call: CallContext): Promise<Entry | undefined> {
    return this.#read(`user:${owner}:${userId}`, call);
  }

  byName(user: string, call: CallContext): Promise<Entry | undefined> {
    return this.#read(`name:${this.#api.host}:${user}`, call);
  }

  /** Says whose the name is going to be; the name alone finds it only when it is. */
  async save(entry: Entry, call: CallContext): Promise<void> {
    if (entry.state !== 'claimed') await this.#store(`name:${this.#api.host}:${entry.user}`, entry, call);
    await this.#store(`user:${entry.owner}:${entry.userId}`, entry, call);
  }

  async forget(entry: Entry, call: CallContext): Promise<void> {
    const named = await this.byName(entry.user, call);
    if (named?.id === entry.id) await this.#store(`name:${this.#api.host}:${entry.user}`, undefined, call);
    await this.#store(`user:${entry.owner}:${entry.userId}`, undefined, call);
  }

  async #read(place: string, call: CallContext): Promise<Entry | undefined> {
    const [, text] = / v=['"]([\w-]+)['"]/.exec(await this.#api.read(namespaceOf(place), call)) ?? [];
    if (text === undefined) return undefined;
    return Entry.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  }

  async #store(place: string, entry: Entry | undefined, call: CallContext): Promise<void> {
    // Nothing in it has to be escaped for XML.
    const value = entry === undefined ? '' : ` v='${Buffer.from(JSON.stringify(entry)).toString('base64url')}'`;
    await this.#api.store(`<m xmlns='${namespaceOf(place)}'${value}/>`, call);
  }
}

function namespaceOf(place: string): string {
  return `urn:muster:${createHash('sha256').update(place).digest('hex')}`;
}
