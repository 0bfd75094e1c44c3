import { Attribute, BerWriter, Change, EqualityFilter, ResultCodeError } from 'ldapts';
import type { Client } from 'ldapts';
import { Conflict, Gone, isServiceError, Misconfigured, Rejected, Unavailable } from '../../sdk/errors';
import type { AnyServiceError } from '../../sdk/errors';
import type { LdapDirectory } from './ldap-directory';
import type { LdapWrites } from './ldap-section';

/** RFC 3062. */
const PASSWORD_MODIFY = '1.3.6.1.4.1.4203.1.11.1';
/** Locked for good, by an administrator: draft-behera-ldap-password-policy-10, 5.3.3. */
const LOCKED_FOR_GOOD = '000001010000Z';
/** Flags of userAccountControl; [MS-ADTS] 2.2.16. */
const NORMAL_ACCOUNT = 0x200;
const ACCOUNT_DISABLED = 0x2;
/** RFC 4511 appendix A. */
const RESULT = { noSuchAttribute: 16, valueExists: 20, noSuchObject: 32, alreadyExists: 68 } as const;

type Values = Readonly<Record<string, readonly (Buffer | string)[]>>;

/** What the provider writes into a directory; every method may be repeated. Errors are typed. */
export class LdapEditor {
  constructor(
    private readonly directory: LdapDirectory,
    private readonly writes: LdapWrites,
  ) {}

  /** Makes an entry that nobody can log in as yet. @throws Conflict when the DN is taken */
  add(dn: string, values: Values): Promise<void> {
    const state = this.writes.disable === 'userAccountControl' ? { userAccountControl: [String(DISABLED)] } : {};
    const attributes = Object.entries({ ...values, ...state }).map(([type, each]) => attributeOf(type, each));
    return this.#edit((client) => client.add(dn, attributes));
  }

  replace(dn: string, values: Values): Promise<void> {
    return this.#edit((client) => client.modify(dn, replacing(values)));
  }

  /** What is not there is removed. */
  async remove(dn: string): Promise<void> {
    await this.#edit((client) => client.del(dn), [RESULT.noSuchObject]);
  }

  /** The server hashes, and keeps its own rules. @throws Rejected when it does not like the password */
  setPassword(dn: string, password: string): Promise<void> {
    if (this.writes.password === 'unicodePwd') return this.replace(dn, { unicodePwd: [unicodePassword(password)] });
    const writer = new BerWriter();
    writer.startSequence();
    writer.writeString(dn, 0x80);
    writer.writeString(password, 0x82);
    writer.endSequence();
    return this.#edit((client) => client.exop(PASSWORD_MODIFY, writer.buffer));
  }

  /** Lets somebody in, or keeps them out. */
  async enable(dn: string, enabled: boolean): Promise<void> {
    if (this.writes.disable === 'ppolicy')
      return this.replace(dn, { pwdAccountLockedTime: enabled ? [] : [LOCKED_FOR_GOOD] });
    if (this.writes.disable === 'nsAccountLock') return this.replace(dn, { nsAccountLock: enabled ? [] : ['true'] });
    const flags = await this.#flags(dn);
    const wanted = enabled ? flags & ~ACCOUNT_DISABLED : flags | ACCOUNT_DISABLED;
    return this.replace(dn, { userAccountControl: [String(wanted)] });
  }

  /** Puts somebody into a group; who is in already stays. */
  async join(groupDn: string, dn: string): Promise<void> {
    const change = new Change({ operation: 'add', modification: attributeOf(this.writes.memberAttribute, [dn]) });
    await this.#edit((client) => client.modify(groupDn, change), [RESULT.valueExists, RESULT.alreadyExists]);
  }

  /** Takes somebody out of a group. @throws Rejected when the group may not be empty */
  async leave(groupDn: string, dn: string): Promise<void> {
    const change = new Change({ operation: 'delete', modification: attributeOf(this.writes.memberAttribute, [dn]) });
    await this.#edit((client) => client.modify(groupDn, change), [RESULT.noSuchAttribute]);
  }

  /** The group that the configuration names by DN or common name. @throws Rejected when there is none, or more than one */
  async groupOf(name: string, groupBase: string | undefined): Promise<string> {
    if (name.includes('=')) return name;
    if (groupBase === undefined)
      throw new Rejected(`the group ${name} is named without its DN, and there is no groupBase`);
    const filter = new EqualityFilter({ attribute: 'cn', value: name });
    const found = await this.directory.asOurselves((client) =>
      client.search(groupBase, { scope: 'sub', filter, attributes: ['cn'], sizeLimit: 2 }),
    );
    const [group] = found.searchEntries;
    if (group === undefined || found.searchEntries.length > 1) throw new Rejected(`there is not one group ${name}`);
    return group.dn;
  }

  async #flags(dn: string): Promise<number> {
    const found = await this.directory.asOurselves((client) =>
      client.search(dn, { scope: 'base', attributes: ['userAccountControl'] }),
    );
    return Number(found.searchEntries[0]?.['userAccountControl'] ?? NORMAL_ACCOUNT);
  }

  /** Result codes in `done` say that it is so already. */
  async #edit(work: (client: Client) => Promise<unknown>, done: readonly number[] = []): Promise<void> {
    try {
      await this.directory.asOurselves(work);
    } catch (error) {
      if (error instanceof ResultCodeError && done.includes(error.code)) return;
      throw error;
    }
  }
}

const DISABLED = NORMAL_ACCOUNT | ACCOUNT_DISABLED;

function replacing(values: Values): Change[] {
  return Object.entries(values).map(
    ([type, each]) => new Change({ operation: 'replace', modification: attributeOf(type, each) }),
  );
}

function attributeOf(type: string, values: readonly (Buffer | string)[]): Attribute {
  const texts = values.filter((value) => typeof value === 'string');
  if (texts.length === values.length) return new Attribute({ type, values: [...texts] });
  return new Attribute({
    type,
    values: values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value)),
  });
}

/** In quotes, UTF-16 little endian; [MS-ADTS] 3.1.1.3.1.5. */
function unicodePassword(text: string): Buffer {
  return Buffer.from(`"${text}"`, 'utf16le');
}

/** Codes of RFC 4511 that another try may not meet. */
const PASSING = new Set([1, 2, 3, 16, 20, 51, 52, 80]);
/** Codes that an operator must do something about. */
const OURS = new Set([4, 7, 8, 10, 12, 13, 48, 49, 50]);

/** What a directory's answer to a write means. Its own text is not repeated: it quotes names. */
export function directoryFailure(error: unknown): AnyServiceError {
  if (isServiceError(error)) return error;
  const cause = { cause: error };
  if (!(error instanceof ResultCodeError)) return new Unavailable('the directory did not answer', cause);
  const { code } = error;
  if (PASSING.has(code)) return new Unavailable(`the directory cannot do this now (${code})`, cause);
  if (OURS.has(code)) return new Misconfigured(`the directory refuses Muster's account this (${code})`, cause);
  if (code === RESULT.noSuchObject) return new Gone('it is not there any more', cause);
  if (code === RESULT.alreadyExists) return new Conflict('the name is taken in the directory', cause);
  return new Rejected(`the directory refuses this (${code}): a rule for passwords, groups or attributes`, cause);
}
