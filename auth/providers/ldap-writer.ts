import { Conflict, Gone, isServiceError, Rejected } from '../../sdk/errors';
import { directoryFailure, LdapEditor } from './ldap-editor';
import { sameName } from './ldap-names';
import type { DirectoryEntry, LdapDirectory } from './ldap-directory';
import type { LdapSection, LdapWrites } from './ldap-section';

/** What a new client is made of. */
export interface NewLdapClient {
  readonly username: string;
  readonly displayName?: string | undefined;
  readonly password: string;
  readonly roles: readonly string[];
}

export interface PasswordChange {
  readonly currentPassword: string;
  readonly password: string;
  readonly isFirstTry: boolean;
}

/** Clients of a directory, made and altered. Every method may be repeated after a lost answer. Errors are typed. */
export class LdapWriter {
  readonly #editor: LdapEditor;

  constructor(
    private readonly directory: LdapDirectory,
    private readonly section: LdapSection & { readonly writes: LdapWrites },
  ) {
    this.#editor = new LdapEditor(directory, section.writes);
  }

  /** @throws Conflict when somebody else has the name, Rejected when the directory refuses password or roles: then nothing is left */
  create(client: NewLdapClient, requestId: string): Promise<DirectoryEntry> {
    const { requestAttribute } = this.section.writes;
    const mark = `muster:${requestId}`;
    return typed(async () => {
      const entry = (await this.directory.findByMark(requestAttribute, mark)) ?? (await this.#add(client, mark));
      try {
        await this.#editor.setPassword(entry.dn, client.password);
        await this.#editor.enable(entry.dn, true);
        for (const role of client.roles) await this.#join(entry, role);
      } catch (error) {
        if (isFinal(directoryFailure(error))) await this.#editor.remove(entry.dn);
        throw error;
      }
      return entry;
    });
  }

  setPassword(clientId: string, password: string): Promise<DirectoryEntry> {
    return typed(async () => {
      const entry = await this.#entry(clientId);
      await this.#editor.setPassword(entry.dn, password);
      return entry;
    });
  }

  /** @throws Rejected `wrong-credentials` when the present password is not right */
  changePassword(clientId: string, change: PasswordChange): Promise<DirectoryEntry> {
    return typed(async () => {
      const entry = await this.#entry(clientId);
      if (!(await this.directory.passwordOpens(entry.dn, change.currentPassword))) {
        // A try before this one may have been the one that changed it.
        const isDone = !change.isFirstTry && (await this.directory.passwordOpens(entry.dn, change.password));
        if (isDone) return entry;
        throw new Rejected('The present password is not right.', { code: 'wrong-credentials' });
      }
      await this.#editor.setPassword(entry.dn, change.password);
      return entry;
    });
  }

  /** Who is not there is kept out already. */
  enable(clientId: string, enabled: boolean): Promise<void> {
    return typed(async () => {
      const entry = await this.directory.findById(clientId);
      if (entry !== undefined) await this.#editor.enable(entry.dn, enabled);
      else if (enabled) throw new Gone('the directory does not know this client any more');
    });
  }

  remove(clientId: string): Promise<void> {
    return typed(async () => {
      const entry = await this.directory.findById(clientId);
      if (entry !== undefined) await this.#editor.remove(entry.dn);
    });
  }

  addRoles(clientId: string, roles: readonly string[]): Promise<void> {
    return typed(async () => {
      const entry = await this.#entry(clientId);
      for (const role of roles) await this.#join(entry, role);
    });
  }

  /** Takes somebody out of every group that gives the roles. */
  deleteRoles(clientId: string, roles: readonly string[]): Promise<void> {
    return typed(async () => {
      const entry = await this.directory.findById(clientId);
      if (entry === undefined) return;
      const names = roles.flatMap((role) => this.section.roles[role] ?? []);
      for (const group of await this.directory.groupsOf(entry))
        if (names.some((name) => sameName(group, name))) await this.#editor.leave(group, entry.dn);
    });
  }

  async #add({ username, displayName = username }: NewLdapClient, mark: string): Promise<DirectoryEntry> {
    const { writes, base, nameAttribute } = this.section;
    // Under another DN the name would mean two, and let in neither.
    if ((await this.directory.findByName(username)).length > 0)
      throw new Conflict('the name is taken in the directory');
    const { rdnAttribute = nameAttribute, objectClasses, attributes, requestAttribute } = writes;
    const fill = (text: string): string =>
      text.replaceAll('{username}', username).replaceAll('{displayName}', displayName);
    const more = Object.entries(attributes).map(([attribute, text]) => [attribute, [fill(text)]] as const);
    await this.#editor.add(`${rdnAttribute}=${username},${writes.base ?? base}`, {
      objectClass: objectClasses,
      cn: [displayName],
      sn: displayName.split(/\s+/).slice(-1),
      [nameAttribute]: [username],
      [rdnAttribute]: [username],
      ...Object.fromEntries(more),
      [requestAttribute]: [mark],
    });
    const made = await this.directory.findByMark(requestAttribute, mark);
    if (made === undefined)
      throw new Rejected('the new entry does not fit `filter`, or has no id: see objectClasses and idAttribute');
    return made;
  }

  async #join(entry: DirectoryEntry, role: string): Promise<void> {
    const name = this.section.roles[role]?.[0];
    if (name === undefined) throw new Rejected(`no group of the directory gives the role ${role}`);
    await this.#editor.join(await this.#editor.groupOf(name, this.section.groupBase), entry.dn);
  }

  async #entry(clientId: string): Promise<DirectoryEntry> {
    const entry = await this.directory.findById(clientId);
    if (entry === undefined) throw new Gone('the directory does not know this client any more');
    return entry;
  }
}

/** Another try would be refused as well: what was half made must go. */
function isFinal(error: unknown): boolean {
  return isServiceError(error) && (error.kind === 'rejected' || error.kind === 'conflict' || error.kind === 'gone');
}

async function typed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw directoryFailure(error);
  }
}
