import { readFileSync } from 'node:fs';
import { Client, InvalidCredentialsError, NoSuchObjectError } from 'ldapts';
import type { Entry } from 'ldapts';
import type { ConnectionOptions } from 'node:tls';
import type { LdapSection } from './ldap-section';

/** A person of the directory. */
export interface DirectoryEntry {
  readonly dn: string;
  readonly id: string;
  readonly name: string;
  readonly mail: string | undefined;
  readonly externalId: string | undefined;
  readonly memberOf: readonly string[];
}

/** Active Directory's ids are bytes; they are hexadecimal digits to us. */
const BINARY = /^object(guid|sid)$/i;
const LISTED_AT_MOST = 10_000;

/** The questions that the provider asks; each on a connection of its own, so that no bind stays behind for the next one. */
export class LdapDirectory {
  readonly #tls: ConnectionOptions | undefined;

  constructor(
    private readonly section: LdapSection,
    private readonly bindPassword: string | undefined,
  ) {
    this.#tls = section.caFile === undefined ? undefined : { ca: readFileSync(section.caFile, 'utf8') };
  }

  /** Can it be asked, as ourselves? @throws what ldapts throws */
  answers(): Promise<boolean> {
    return this.asOurselves(async () => true);
  }

  /** Everybody who can mean it by this name: more than one is nobody. */
  findByName(name: string): Promise<readonly DirectoryEntry[]> {
    const names = this.section.loginAttributes.map((attribute) => `(${attribute}=${escapeFilter(name)})`).join('');
    return this.#people(`(|${names})`, 2);
  }

  async findById(id: string): Promise<DirectoryEntry | undefined> {
    const { idAttribute } = this.section;
    const value = BINARY.test(idAttribute) ? id.replace(/[\da-f]{2}/gi, '\\$&') : escapeFilter(id);
    return (await this.#people(`(${idAttribute}=${value})`, 1))[0];
  }

  /** The entry that carries this value, whatever became of its name. */
  async findByMark(attribute: string, mark: string): Promise<DirectoryEntry | undefined> {
    return (await this.#people(`(${attribute}=${escapeFilter(mark)})`, 1))[0];
  }

  list(): Promise<readonly DirectoryEntry[]> {
    return this.#people('', LISTED_AT_MOST);
  }

  /** Does the directory let them in? Without a DN (nobody has the name) it asks all the same, and answers false. */
  async passwordOpens(dn: string | undefined, password: string): Promise<boolean> {
    return this.#connected(async (client) => {
      try {
        await client.bind(dn ?? `cn=nobody,${this.section.base}`, password);
        return dn !== undefined;
      } catch (error) {
        if (error instanceof InvalidCredentialsError || error instanceof NoSuchObjectError) return false;
        throw error;
      }
    });
  }

  /** DNs of the groups that somebody is in. */
  async groupsOf(entry: DirectoryEntry): Promise<readonly string[]> {
    const { groupBase, groupFilter } = this.section;
    if (groupBase === undefined) return entry.memberOf;
    const filter = groupFilter.replaceAll('{dn}', escapeFilter(entry.dn));
    return this.asOurselves(async (client) => {
      const { searchEntries } = await client.search(groupBase, {
        scope: 'sub',
        filter,
        attributes: ['cn'],
        paged: true,
      });
      return searchEntries.map(({ dn }) => dn);
    });
  }

  #people(filter: string, most: number): Promise<readonly DirectoryEntry[]> {
    const { base, idAttribute, nameAttribute, mailAttribute, externalIdAttribute } = this.section;
    const attributes = [idAttribute, nameAttribute, mailAttribute, externalIdAttribute ?? idAttribute, 'memberOf'];
    return this.asOurselves(async (client) => {
      const { searchEntries } = await client.search(base, {
        scope: 'sub',
        filter: `(&${this.section.filter}${filter})`,
        attributes: [...new Set(attributes)],
        explicitBufferAttributes: BINARY.test(idAttribute) ? [idAttribute] : [],
        ...(most > 2 ? { paged: true } : {}),
      });
      return searchEntries.slice(0, most).flatMap((entry) => this.#read(entry));
    });
  }

  /** An entry without an id cannot be recognised later: it is left out. */
  #read(entry: Entry): readonly DirectoryEntry[] {
    const { idAttribute, nameAttribute, mailAttribute, externalIdAttribute } = this.section;
    const [id] = valuesOf(entry, idAttribute);
    if (id === undefined || id === '') return [];
    return [
      {
        dn: entry.dn,
        id,
        name: valuesOf(entry, nameAttribute)[0] ?? id,
        mail: valuesOf(entry, mailAttribute)[0],
        externalId: externalIdAttribute === undefined ? undefined : valuesOf(entry, externalIdAttribute)[0],
        memberOf: valuesOf(entry, 'memberOf'),
      },
    ];
  }

  /** Runs operations on a connection of their own. @throws what ldapts throws */
  asOurselves<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { bindDn } = this.section;
    return this.#connected(async (client) => {
      // With no account too: only a bind shows that the server answers.
      await client.bind(bindDn ?? '', bindDn === undefined ? '' : (this.bindPassword ?? ''));
      return work(client);
    });
  }

  async #connected<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { url, startTls, timeoutMs } = this.section;
    const options = { url, timeout: timeoutMs, connectTimeout: timeoutMs };
    // With tlsOptions the library speaks TLS from the first byte, whatever the URL says.
    const isEncrypted = url.startsWith('ldaps:') && this.#tls !== undefined;
    const client = new Client(isEncrypted ? { ...options, tlsOptions: this.#tls } : options);
    try {
      // Without the host the certificate would be compared with `localhost`.
      if (startTls) await client.startTLS({ ...this.#tls, host: new URL(url).hostname });
      return await work(client);
    } finally {
      // The connection ends in any case; whether it says goodbye does not matter.
      await client.unbind().catch(() => undefined);
    }
  }
}

/** A value in a filter (RFC 4515): what has a meaning there becomes its bytes. */
function escapeFilter(value: string): string {
  return value.replace(/[\\*()\0]/g, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** All values of an attribute as texts; servers spell its name as they like. */
function valuesOf(entry: Entry, attribute: string): readonly string[] {
  const found = Object.entries(entry).find(([name]) => name.toLowerCase() === attribute.toLowerCase())?.[1];
  const values: readonly (Buffer | string)[] = Array.isArray(found) ? found : [found ?? ''];
  return values
    .map((value) => (typeof value === 'string' ? value : value.toString('hex')))
    .filter((value) => value !== '');
}
