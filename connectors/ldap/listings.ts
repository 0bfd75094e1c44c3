import { randomUUID } from 'node:crypto';
import { Unavailable } from '@muster/sdk';
import type { CallContext, Page, RemoteAccount, RemoteGroup } from '@muster/sdk';
import type { Client, SearchResult } from 'ldapts';
import type { Dialect, KindOfEntry } from './dialect';
import type { Entry } from './directory';
import { equals, readEntry } from './directory';
import { foldDn } from './dn';
import { accountAttributes, groupAttributes, remoteAccount, remoteGroup } from './entries';
import { failureOfOperation } from './failures';
import { hangUp } from './session';
import type { LdapSession } from './session';

/** Active Directory gives no more than 1,000 at a time (MaxPageSize). */
const PAGE_SIZE = 500;
/** A listing that nobody goes on with is given up, and its connection closed. */
const MAX_IDLE_MS = 10 * 60 * 1000;

interface Listing {
  readonly client: Client;
  readonly pages: AsyncGenerator<SearchResult>;
  /** Remote ids of groups, by member. Read once, when people are listed. */
  readonly groupsOf: ReadonlyMap<string, readonly string[]>;
  idle: NodeJS.Timeout;
}

/**
 * Paged searches (RFC 2696). The server keeps the place on the connection, so each listing has one of its own; the cursor that
 * Muster keeps is the listing's id, known to this process only. In another one it has to begin again.
 */
export class Listings {
  readonly #session: LdapSession;
  readonly #dialect: Dialect;
  readonly #live = new Map<string, Listing>();

  constructor(session: LdapSession, dialect: Dialect) {
    this.#session = session;
    this.#dialect = dialect;
  }

  async accounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    const begin = async (client: Client): Promise<Pick<Listing, 'pages' | 'groupsOf'>> => ({
      groupsOf: await this.#groupsByMember(client, call),
      pages: this.#pages(client, this.#dialect.users, accountAttributes(this.#dialect)),
    });
    return this.#page({ cursor, begin }, call, (entry, { groupsOf }) => ({
      ...remoteAccount(entry, this.#dialect),
      groups: groupsOf.get(foldDn(entry.dn)) ?? [],
    }));
  }

  async groups(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    const begin = async (client: Client): Promise<Pick<Listing, 'pages' | 'groupsOf'>> => ({
      groupsOf: new Map(),
      pages: this.#pages(client, this.#dialect.groups, groupAttributes(this.#dialect)),
    });
    return this.#page({ cursor, begin }, call, (entry) => remoteGroup(entry, this.#dialect));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#live.keys()].map((id) => this.#end(id)));
  }

  async #page<T>(
    from: {
      readonly cursor: string | undefined;
      readonly begin: (client: Client) => Promise<Pick<Listing, 'pages' | 'groupsOf'>>;
    },
    call: CallContext,
    item: (entry: Entry, listing: Listing) => T,
  ): Promise<Page<T>> {
    const id = from.cursor ?? (await this.#begin(from.begin, call));
    const listing = this.#live.get(id);
    if (listing === undefined) {
      throw new Unavailable('The listing was begun by another process, or broke off: it has to begin again.', {
        code: 'listing-lost',
      });
    }
    listing.idle.refresh();
    try {
      const { done, value } = await this.#next(listing.pages, call);
      if (done === true) await this.#end(id);
      const items = done === true ? [] : value.searchEntries.map((raw) => item(readEntry(raw), listing));
      return { items, ...(done === true ? {} : { next: id }) };
    } catch (error) {
      await this.#end(id);
      throw failureOfOperation('list', error, call.signal.aborted);
    }
  }

  async #begin(
    begin: (client: Client) => Promise<Pick<Listing, 'pages' | 'groupsOf'>>,
    call: CallContext,
  ): Promise<string> {
    const client = await this.#session.open(call);
    const id = randomUUID();
    const idle = setTimeout(() => void this.#end(id), MAX_IDLE_MS);
    idle.unref();
    try {
      this.#live.set(id, { client, idle, ...(await begin(client)) });
      return id;
    } catch (error) {
      clearTimeout(idle);
      await hangUp(client);
      throw failureOfOperation('list', error, call.signal.aborted);
    }
  }

  async #end(id: string): Promise<void> {
    const listing = this.#live.get(id);
    if (listing === undefined) return;
    this.#live.delete(id);
    clearTimeout(listing.idle);
    await hangUp(listing.client);
  }

  #pages(client: Client, kind: KindOfEntry, attributes: readonly string[]): AsyncGenerator<SearchResult> {
    const { idAttribute, idIsBinary } = this.#dialect;
    return client.searchPaginated(kind.base, {
      scope: 'sub',
      filter: equals('objectClass', kind.objectClass),
      attributes: [...attributes],
      paged: { pageSize: PAGE_SIZE },
      explicitBufferAttributes: idIsBinary ? [idAttribute] : [],
    });
  }

  async #next(pages: AsyncGenerator<SearchResult>, call: CallContext): Promise<IteratorResult<SearchResult, unknown>> {
    const permit = await call.permit?.('LDAP list');
    try {
      call.signal.throwIfAborted();
      return await pages.next();
    } finally {
      permit?.answered();
    }
  }

  /** Read from the groups: `memberOf` is only there where the server keeps it. */
  async #groupsByMember(client: Client, call: CallContext): Promise<ReadonlyMap<string, readonly string[]>> {
    const { groups, memberAttribute, idAttribute } = this.#dialect;
    const found = new Map<string, string[]>();
    const pages = this.#pages(client, groups, [idAttribute, memberAttribute]);
    for (;;) {
      const { done, value } = await this.#next(pages, call);
      if (done === true) return found;
      for (const group of value.searchEntries.map(readEntry)) {
        for (const member of group.values(memberAttribute)) {
          const ids = found.get(foldDn(member)) ?? [];
          ids.push(group.values(idAttribute)[0] ?? '');
          found.set(foldDn(member), ids);
        }
      }
    }
  }
}
