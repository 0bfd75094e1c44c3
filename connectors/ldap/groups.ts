import { Conflict, Gone } from '@muster/sdk';
import type {
  CallContext,
  DeleteOutcome,
  EnsureGroupOutcome,
  GroupRef,
  MemberChange,
  NewGroup,
  WriteOutcome,
} from '@muster/sdk';
import type { Filter } from 'ldapts';
import type { Dialect } from './dialect';
import type { Directory, Entry } from './directory';
import { both, either, equals } from './directory';
import { dnUnder, escapeRdnValue } from './dn';
import { groupAttributes, idFilter, identityOf, remoteGroup } from './entries';
import { groupKeyText } from './keys';
import type { Memberships } from './memberships';
import { requireName } from './names';

/** Groups in the directory. What does not carry our key is never touched. */
export class Groups {
  readonly #directory: Directory;
  readonly #dialect: Dialect;
  readonly #memberships: Memberships;

  constructor(directory: Directory, dialect: Dialect, memberships: Memberships) {
    this.#directory = directory;
    this.#dialect = dialect;
    this.#memberships = memberships;
  }

  async ensure(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    const { groups, keyAttribute } = this.#dialect;
    requireName(group.name, groups.rules);
    const keyText = groupKeyText(group);
    const sameNameOrKey = either([equals(keyAttribute, keyText), equals(groups.rdnAttribute, group.name)]);
    const found = await this.#search([sameNameOrKey], call);
    const own = found.find((entry) => entry.values(keyAttribute).includes(keyText));
    if (own !== undefined) {
      await this.#rename(own, group.name, call);
      return { ...identityOf(own, groups, this.#dialect), outcome: 'already existed', name: group.name };
    }
    if (found.length > 0) throw new Conflict('The directory has another group of this name.', { code: 'name-taken' });
    const values = { ...this.#dialect.newGroup(group.name), [groups.rdnAttribute]: [group.name] };
    const dn = dnUnder(groups.base, groups.rdnAttribute, group.name);
    await this.#directory.add(dn, { ...values, [keyAttribute]: [keyText] }, call);
    const [made] = await this.#search([equals(keyAttribute, keyText)], call);
    if (made === undefined) throw new Gone('The group that was made just now is not there.', { what: 'group' });
    return { outcome: 'created', ...identityOf(made, groups, this.#dialect) };
  }

  async rename(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    const entry = await this.#own(ref, call);
    if (entry === undefined) return 'gone';
    return this.#rename(entry, name, call);
  }

  async remove(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    const entry = await this.#own(ref, call);
    if (entry === undefined) return 'nothing there';
    try {
      await this.#directory.remove(entry.dn, call);
    } catch (error) {
      if (error instanceof Gone) return 'nothing there';
      throw error;
    }
    return 'done';
  }

  async changeMembers(ref: GroupRef, change: MemberChange, call: CallContext): Promise<WriteOutcome> {
    const entry = await this.#own(ref, call);
    return entry === undefined ? 'gone' : this.#memberships.change(entry, change, call);
  }

  async #rename(entry: Entry, name: string, call: CallContext): Promise<WriteOutcome> {
    const { groups } = this.#dialect;
    if (entry.values(groups.nameAttribute).includes(name)) return 'unchanged';
    requireName(name, groups.rules);
    // First what must be unique beyond this folder: what fails there leaves the name as it is.
    const alterations = this.#dialect.renameGroup(name);
    if (alterations.length > 0) await this.#directory.modify(entry, alterations, call);
    await this.#directory.rename(entry.dn, `${groups.rdnAttribute}=${escapeRdnValue(name)}`, call);
    return 'done';
  }

  /** The group, if it is there and carries a key of ours: the very one, where the caller knows it. */
  async #own(ref: GroupRef, call: CallContext): Promise<Entry | undefined> {
    const [entry] = await this.#search([idFilter(this.#dialect, ref.remoteId)], call);
    if (entry === undefined) return undefined;
    const { key, owner } = remoteGroup(entry, this.#dialect);
    const isOther = (ref.key ?? key) !== key || (ref.owner ?? owner) !== owner;
    return key === undefined || isOther ? undefined : entry;
  }

  async #search(filters: readonly Filter[], call: CallContext): Promise<readonly Entry[]> {
    const { groups } = this.#dialect;
    const filter = both(equals('objectClass', groups.objectClass), ...filters);
    return this.#directory.search({ base: groups.base, filter, attributes: groupAttributes(this.#dialect) }, call);
  }
}
