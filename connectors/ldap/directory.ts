import { Gone, Misconfigured, isServiceError } from '@muster/sdk';
import type { CallContext } from '@muster/sdk';
import { AndFilter, Attribute, BerWriter, Change, EqualityFilter, OrFilter } from 'ldapts';
import type { Entry as RawEntry, Filter } from 'ldapts';
import type { LdapSession } from './session';

/** Attributes to write; none = the attribute goes. */
export type Values = Readonly<Record<string, readonly (string | Buffer)[]>>;

/** An entry as it was read. */
export interface Entry {
  readonly dn: string;
  /** The values of an attribute, whatever the case of its name; none where it is absent. */
  values(attribute: string): readonly string[];
}

/** What to change of one attribute. */
export interface Alteration {
  readonly operation: 'add' | 'delete' | 'replace';
  readonly attribute: string;
  readonly values: readonly (string | Buffer)[];
}

/** Where to look, for what, and what to read. */
export interface Search {
  readonly base: string;
  readonly filter: Filter;
  readonly attributes: readonly string[];
  readonly scope?: 'base' | 'sub';
}

const PASSWORD_MODIFY = '1.3.6.1.4.1.4203.1.11.1';

/** The operations of LDAP, each one request; errors are typed. */
export class Directory {
  readonly #session: LdapSession;
  /** Attributes whose values are bytes and not text; read as hexadecimal digits. */
  readonly #binary: readonly string[];

  constructor(session: LdapSession, binary: readonly string[]) {
    this.#session = session;
    this.#binary = binary;
  }

  async search(search: Search, call: CallContext): Promise<readonly Entry[]> {
    const { base, filter, scope = 'sub', attributes } = search;
    const explicitBufferAttributes = [...this.#binary];
    const found = await misplaced('search', () =>
      this.#session.run(call, 'search', (client) =>
        client.search(base, { scope, filter, attributes: [...attributes], explicitBufferAttributes }),
      ),
    );
    return found.searchEntries.map(readEntry);
  }

  /** Throws Conflict when the DN is taken. */
  async add(dn: string, values: Values, call: CallContext): Promise<void> {
    const attributes = Object.entries(values)
      .filter(([, each]) => each.length > 0)
      .map(([type, each]) => attributeOf(type, each));
    await misplaced('add', () => this.#session.run(call, 'add', (client) => client.add(dn, attributes)));
  }

  /** Throws Gone when the entry is not there. */
  async modify({ dn }: Pick<Entry, 'dn'>, alterations: readonly Alteration[], call: CallContext): Promise<void> {
    const changes = alterations.map(
      ({ operation, attribute, values }) => new Change({ operation, modification: attributeOf(attribute, values) }),
    );
    await this.#session.run(call, 'modify', (client) => client.modify(dn, changes));
  }

  /** Gives the entry another name in its place. */
  async rename(dn: string, rdn: string, call: CallContext): Promise<void> {
    await this.#session.run(call, 'rename', (client) => client.modifyDN(dn, rdn));
  }

  async remove(dn: string, call: CallContext): Promise<void> {
    await this.#session.run(call, 'delete', (client) => client.del(dn));
  }

  /** RFC 3062: the server hashes, and keeps its own rules. */
  async setPassword(dn: string, password: string, call: CallContext): Promise<void> {
    const writer = new BerWriter();
    writer.startSequence();
    writer.writeString(dn, 0x80);
    writer.writeString(password, 0x82);
    writer.endSequence();
    await this.#session.run(call, 'set password', (client) => client.exop(PASSWORD_MODIFY, writer.buffer));
  }
}

/** All of these hold. */
export function both(...filters: readonly Filter[]): Filter {
  return new AndFilter({ filters: [...filters] });
}

/** One of these holds. */
export function either(filters: readonly Filter[]): Filter {
  return new OrFilter({ filters: [...filters] });
}

/** The value goes to the server as it is, not through the text of a filter: there is nothing to escape. */
export function equals(attribute: string, value: string | Buffer): Filter {
  return new EqualityFilter({ attribute, value });
}

/** Turns what the client read into an Entry. */
export function readEntry(raw: RawEntry): Entry {
  const values = new Map(Object.entries(raw).map(([name, value]) => [name.toLowerCase(), [value].flat().map(textOf)]));
  return { dn: raw.dn, values: (attribute) => values.get(attribute.toLowerCase()) ?? [] };
}

function textOf(value: string | Buffer): string {
  return typeof value === 'string' ? value : value.toString('hex');
}

function attributeOf(type: string, values: readonly (string | Buffer)[]): Attribute {
  return new Attribute({ type, values: [...values] as string[] | Buffer[] });
}

/** Where people and groups are to be made or found, "no such entry" is about the place: the configuration is wrong. */
async function misplaced<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Gone) || !isServiceError(error)) throw error;
    throw new Misconfigured(`LDAP ${what}: userBase or groupBase is not there (32).`, {
      cause: error,
      code: 'ldap-32',
    });
  }
}
