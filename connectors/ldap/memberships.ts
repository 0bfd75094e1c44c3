import { Conflict, Gone, Rejected, Unavailable } from '@muster/sdk';
import type { AccountRef, CallContext, MemberChange, WriteOutcome } from '@muster/sdk';
import type { Dialect } from './dialect';
import type { Alteration, Directory, Entry } from './directory';
import { both, either, equals } from './directory';
import { foldDn } from './dn';
import { idFilter } from './entries';
import { RESULT, resultCode } from './failures';
import { accountKeyText } from './keys';

/** People in one search, and members in one change: servers bound the size of a request. */
const SEARCH_CHUNK = 100;
const CHANGE_CHUNK = 500;

interface Member {
  readonly dn: string;
  readonly memberOf: readonly string[];
}

interface MemberDns {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Who is in which group: kept with the groups, as DNs. */
export class Memberships {
  readonly #directory: Directory;
  readonly #dialect: Dialect;

  constructor(directory: Directory, dialect: Dialect) {
    this.#directory = directory;
    this.#dialect = dialect;
  }

  /** `group` is where the members are kept. Who is not there any more is left out: there is nobody to add or to take out. */
  async change(group: Entry, change: MemberChange, call: CallContext): Promise<WriteOutcome> {
    const isIn = ({ memberOf }: Member): boolean => memberOf.includes(foldDn(group.dn));
    const { linksFollow } = this.#dialect;
    const add = (await this.#resolve(change.add, call)).filter((member) => !linksFollow || !isIn(member));
    const remove = (await this.#resolve(change.remove, call)).filter((member) => !linksFollow || isIn(member));
    if (add.length + remove.length === 0) return 'unchanged';
    try {
      await this.#write(group.dn, { add: add.map(({ dn }) => dn), remove: remove.map(({ dn }) => dn) }, call);
    } catch (error) {
      if (error instanceof Gone) return 'gone';
      throw error;
    }
    return 'done';
  }

  /** Takes a DN out of every group that names it. Where the directory does so itself there is nothing to do. */
  async leaveAll(dn: string, call: CallContext): Promise<void> {
    for (const group of await this.#groupsWith(dn, call)) await this.#write(group.dn, { add: [], remove: [dn] }, call);
  }

  /** Puts `next` in the place of `dn`, in every group that names it. */
  async move(dn: string, next: string, call: CallContext): Promise<void> {
    for (const group of await this.#groupsWith(dn, call)) {
      await this.#write(group.dn, { add: [next], remove: [dn] }, call);
    }
  }

  async #groupsWith(dn: string, call: CallContext): Promise<readonly Entry[]> {
    const { groups, memberAttribute, linksFollow } = this.#dialect;
    if (linksFollow) return [];
    const filter = both(equals('objectClass', groups.objectClass), equals(memberAttribute, dn));
    return this.#directory.search({ base: groups.base, filter, attributes: ['1.1'] }, call);
  }

  /** Those that are there and carry our key. `memberOf` counts only where the directory always keeps it. */
  async #resolve(refs: readonly AccountRef[], call: CallContext): Promise<readonly Member[]> {
    const { users, keyAttribute } = this.#dialect;
    const members: Member[] = [];
    for (let from = 0; from < refs.length; from += SEARCH_CHUNK) {
      const part = refs.slice(from, from + SEARCH_CHUNK);
      const filter = both(
        equals('objectClass', users.objectClass),
        either(
          part.map((ref) => both(idFilter(this.#dialect, ref.remoteId), equals(keyAttribute, accountKeyText(ref.key)))),
        ),
      );
      const found = await this.#directory.search({ base: users.base, filter, attributes: ['memberOf'] }, call);
      members.push(...found.map((entry) => ({ dn: entry.dn, memberOf: entry.values('memberOf').map(foldDn) })));
    }
    return members;
  }

  async #write(dn: string, { add, remove }: MemberDns, call: CallContext): Promise<void> {
    const { linksFollow } = this.#dialect;
    const { length } = add.length > remove.length ? add : remove;
    for (let from = 0; from < length; from += CHANGE_CHUNK) {
      const part = { add: add.slice(from, from + CHANGE_CHUNK), remove: remove.slice(from, from + CHANGE_CHUNK) };
      await this.#modify(dn, linksFollow ? part : await this.#missing(dn, part, call), call);
    }
  }

  async #modify(dn: string, members: MemberDns, call: CallContext): Promise<void> {
    const alterations = this.#alterations(members);
    if (alterations.length === 0) return;
    try {
      await this.#directory.modify({ dn }, alterations, call);
    } catch (error) {
      const code = error instanceof Rejected || error instanceof Conflict ? resultCode(error.cause) : undefined;
      // Somebody took out the last other member, or put the same one in (which Samba calls 68).
      const isOvertaken = code === RESULT.objectClassViolation || code === RESULT.alreadyExists;
      if (isOvertaken) throw new Unavailable('The group was changed by somebody else meanwhile.', { cause: error });
      throw error;
    }
  }

  /**
   * What is not so yet; the placeholder comes and goes with the last member. A directory refuses to add who is in, to remove who is not,
   * and to leave a group empty; whoever writes between this reading and the writing makes it fail, and it is tried again.
   */
  async #missing(dn: string, { add, remove }: MemberDns, call: CallContext): Promise<MemberDns> {
    const { memberAttribute, groups, placeholder } = this.#dialect;
    const filter = equals('objectClass', groups.objectClass);
    const search = { base: dn, scope: 'base', filter, attributes: [memberAttribute] } as const;
    const [group] = await this.#directory.search(search, call);
    if (group === undefined) throw new Gone('The group is not there any more.', { what: 'group' });
    const present = new Map(group.values(memberAttribute).map((member) => [foldDn(member), member]));
    const joining = add.filter((member) => !present.has(foldDn(member)));
    const leaving = remove.flatMap((member) => present.get(foldDn(member)) ?? []);
    if (placeholder === undefined) return { add: joining, remove: leaving };
    const stand = present.get(foldDn(placeholder));
    const others = present.size - (stand === undefined ? 0 : 1) + joining.length - leaving.length;
    return {
      add: others === 0 && stand === undefined ? [...joining, placeholder] : joining,
      remove: others > 0 && stand !== undefined ? [...leaving, stand] : leaving,
    };
  }

  #alterations({ add, remove }: MemberDns): readonly Alteration[] {
    const attribute = this.#dialect.memberAttribute;
    const all: readonly Alteration[] = [
      { operation: 'add', attribute, values: add },
      { operation: 'delete', attribute, values: remove },
    ];
    return all.filter(({ values }) => values.length > 0);
  }
}
