import { Conflict, Gone, Rejected } from '@muster/sdk';
import type {
  AccountKey,
  AccountProfile,
  AccountRef,
  CallContext,
  CreateOutcome,
  DeleteOutcome,
  NewAccount,
  RemoteAccount,
  Secret,
  WriteOutcome,
} from '@muster/sdk';
import type { Filter } from 'ldapts';
import type { Dialect } from './dialect';
import type { Alteration, Directory, Entry } from './directory';
import { both, either, equals } from './directory';
import { dnUnder, escapeRdnValue, parentOf } from './dn';
import { accountAttributes, idFilter, identityOf, remoteAccount } from './entries';
import { accountKeyText, parseKey } from './keys';
import type { Memberships } from './memberships';
import { requireName } from './names';

/** People in the directory. Every method looks first, by our key, and may run twice. */
export class Accounts {
  readonly #directory: Directory;
  readonly #dialect: Dialect;
  readonly #memberships: Memberships;

  constructor(directory: Directory, dialect: Dialect, memberships: Memberships) {
    this.#directory = directory;
    this.#dialect = dialect;
    this.#memberships = memberships;
  }

  async find(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    const [entry] = await this.#search([equals(this.#dialect.keyAttribute, accountKeyText(key))], call);
    return entry === undefined ? undefined : remoteAccount(entry, this.#dialect);
  }

  async create({ key, profile }: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const { users, keyAttribute } = this.#dialect;
    requireName(profile.name, users.rules);
    const keyText = accountKeyText(key);
    const sameNameOrKey = either([equals(keyAttribute, keyText), equals(users.nameAttribute, profile.name)]);
    const found = await this.#search([sameNameOrKey], call);
    const own = found.find((entry) => entry.values(keyAttribute).includes(keyText));
    if (own !== undefined)
      return { outcome: 'already existed', ...identityOf(own, this.#dialect.users, this.#dialect) };
    if (found.length > 0) throw new Conflict('The directory has another person of this name.', { code: 'name-taken' });
    const dn = dnUnder(users.base, users.rdnAttribute, profile.name);
    // Nobody has this DN now, so who stands under it in a group has left: somebody new must not inherit that.
    await this.#memberships.leaveAll(dn, call);
    const values = { ...this.#dialect.newUser(), ...this.#dialect.attributesOf(profile), [keyAttribute]: [keyText] };
    await this.#directory.add(dn, { ...values, [users.rdnAttribute]: [profile.name] }, call);
    const [made] = await this.#search([equals(keyAttribute, keyText)], call);
    if (made === undefined) throw new Gone('The person that was made just now is not there.');
    return { outcome: 'created', ...identityOf(made, this.#dialect.users, this.#dialect) };
  }

  /** The key is one value more: texts of others in the attribute stay, where it may have several. */
  async adopt(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    const { keyAttribute } = this.#dialect;
    const [entry] = await this.#search([idFilter(this.#dialect, ref.remoteId)], call);
    if (entry === undefined) return 'gone';
    const keyText = accountKeyText(ref.key);
    const present = entry.values(keyAttribute);
    if (present.includes(keyText)) return 'unchanged';
    if (parseKey(present) !== undefined)
      throw new Conflict('The person carries the key of another.', { code: 'not-ours' });
    await this.#directory.modify(entry, [{ operation: 'add', attribute: keyAttribute, values: [keyText] }], call);
    return 'done';
  }

  async update(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome> {
    const entry = await this.own(ref, call);
    if (entry === undefined) return 'gone';
    const renamed = await this.#rename(entry, { ref, name: profile.name }, call);
    const alterations = this.#differences(entry, profile);
    if (alterations.length > 0) await this.#directory.modify({ dn: renamed ?? entry.dn }, alterations, call);
    return renamed === undefined && alterations.length === 0 ? 'unchanged' : 'done';
  }

  async switchTo(ref: AccountRef, enabled: boolean, call: CallContext): Promise<WriteOutcome> {
    const entry = await this.own(ref, call);
    if (entry === undefined) return 'gone';
    const alterations = this.#dialect.switchTo(enabled, entry);
    if (alterations.length === 0) return 'unchanged';
    await this.#directory.modify(entry, alterations, call);
    return 'done';
  }

  /** Groups go first: a DN left behind in them would give its next holder what this one had. */
  async remove(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    const entry = await this.own(ref, call);
    if (entry === undefined) return 'nothing there';
    await this.#memberships.leaveAll(entry.dn, call);
    try {
      await this.#directory.remove(entry.dn, call);
    } catch (error) {
      if (error instanceof Gone) return 'nothing there';
      throw error;
    }
    return 'done';
  }

  async setPassword(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome> {
    const entry = await this.own(ref, call);
    if (entry === undefined) return 'gone';
    try {
      await this.#dialect.setPassword(this.#directory, { dn: entry.dn, password: secret.reveal() }, call);
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      // The directory's own text may quote it, so it is not kept as the cause.
      throw new Rejected('The directory refuses this password: too short, too simple, or used before.', {
        code: 'password-refused',
      });
    }
    return 'done';
  }

  /** The entry, if it is there and carries our key: an id alone proves nothing. */
  async own(ref: AccountRef, call: CallContext): Promise<Entry | undefined> {
    const { keyAttribute } = this.#dialect;
    const filters = [idFilter(this.#dialect, ref.remoteId), equals(keyAttribute, accountKeyText(ref.key))];
    const [entry] = await this.#search(filters, call);
    return entry;
  }

  /** Answers the new DN; undefined when the name is right already. */
  async #rename(
    entry: Entry,
    { ref, name }: { readonly ref: AccountRef; readonly name: string },
    call: CallContext,
  ): Promise<string | undefined> {
    const { users } = this.#dialect;
    const parent = parentOf(entry.dn);
    if (entry.values(users.rdnAttribute).includes(name)) {
      // An earlier try may have renamed it, and gone no further.
      if (ref.name !== name) await this.#moveLeftovers(ref.name, entry.dn, call);
      return undefined;
    }
    requireName(name, users.rules);
    const next = dnUnder(parent, users.rdnAttribute, name);
    await this.#directory.rename(entry.dn, `${users.rdnAttribute}=${escapeRdnValue(name)}`, call);
    await this.#memberships.move(entry.dn, next, call);
    return next;
  }

  /** Unless somebody else has the old name by now, whose groups are their own. */
  async #moveLeftovers(oldName: string, dn: string, call: CallContext): Promise<void> {
    const { users } = this.#dialect;
    const holders = await this.#search([equals(users.rdnAttribute, oldName)], call);
    if (holders.length > 0) return;
    await this.#memberships.move(dnUnder(parentOf(dn), users.rdnAttribute, oldName), dn, call);
  }

  #differences(entry: Entry, profile: AccountProfile): readonly Alteration[] {
    const { users } = this.#dialect;
    return Object.entries(this.#dialect.attributesOf(profile))
      .filter(([attribute]) => attribute !== users.rdnAttribute)
      .filter(([attribute, values]) => !sameValues(entry.values(attribute), values))
      .map(([attribute, values]) => ({ operation: 'replace', attribute, values }));
  }

  async #search(filters: readonly Filter[], call: CallContext): Promise<readonly Entry[]> {
    const { users } = this.#dialect;
    const filter = both(equals('objectClass', users.objectClass), ...filters);
    return this.#directory.search({ base: users.base, filter, attributes: accountAttributes(this.#dialect) }, call);
  }
}

function sameValues(one: readonly string[], other: readonly string[]): boolean {
  return [...one].sort().join('\u0000') === [...other].sort().join('\u0000');
}
