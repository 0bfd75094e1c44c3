import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AUTH_WRITES, AuthProvider, ClientData, defineAuthProvider, Misconfigured, SDK_VERSION } from '../../sdk/index';
import { LdapDirectory } from './ldap-directory';
import { sameName } from './ldap-names';
import { ldapSection } from './ldap-section';
import { LdapWriter } from './ldap-writer';
import type { AuthProviderContext, AuthWrite, ClientWriteTry } from '../../sdk/index';
import type { DirectoryEntry } from './ldap-directory';
import type { LdapSection } from './ldap-section';
import type { NewLdapClient } from './ldap-writer';

const authPackage = z.strictObject({
  username: z
    .string()
    .min(1, 'must not be empty')
    .max(256)
    .regex(/^\P{Cc}*$/u, 'must not hold control characters'),
  // An empty password would be a bind as nobody, which succeeds (RFC 4513 5.1.2).
  password: z.string().min(1, 'must not be empty').max(1_024),
});

/** How long the answer to "can you serve" counts. */
const READY_MS = 5_000;

const newPassword = z.string().min(1, 'must not be empty').max(1_024);
const createPackage = z.strictObject({
  username: z
    .string()
    .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u, 'must have 1 to 64 letters, digits, dots and hyphens'),
  displayName: z
    .string()
    .regex(/^\P{Cc}{1,256}$/u, 'must have 1 to 256 characters')
    .optional(),
  password: newPassword,
  roles: z.array(z.string().max(128)).max(100).default([]),
});
const updatePackage = z.strictObject({ password: newPassword });
const selfUpdatePackage = z.strictObject({ currentPassword: newPassword, password: newPassword });

/** Without `writes` only these are offered, as a mark of Muster's own. */
const MARKS: readonly AuthWrite[] = ['enableClient', 'disableClient'];

/**
 * People and groups of an LDAP directory, OpenLDAP's or Active Directory's. Something is written there only where the section
 * allows it.
 */
class LdapProvider extends AuthProvider {
  override readonly authPackage = authPackage;
  override readonly createClientPackage = createPackage;
  override readonly updateClientPackage = updatePackage;
  override readonly selfUpdateClientPackage = selfUpdatePackage;
  override readonly switchedOff: readonly AuthWrite[];
  override readonly writesInMuster: readonly AuthWrite[];
  readonly #directory: LdapDirectory;
  readonly #writer: LdapWriter | undefined;
  #ready: { readonly at: number; readonly serves: Promise<boolean> } | undefined;

  constructor(
    private readonly section: LdapSection,
    private readonly context: AuthProviderContext,
  ) {
    super();
    this.#directory = new LdapDirectory(section, secretOf(section));
    const { writes } = section;
    this.#writer = writes === undefined ? undefined : new LdapWriter(this.#directory, { ...section, writes });
    this.switchedOff = writes === undefined ? AUTH_WRITES.filter((ability) => !MARKS.includes(ability)) : [];
    this.writesInMuster = writes === undefined ? MARKS : [];
  }

  override get initialized(): Promise<boolean> {
    const now = Date.now();
    if (this.#ready === undefined || now - this.#ready.at > READY_MS) {
      const serves = this.#directory.answers().catch((error: unknown) => {
        this.context.log('warn', 'ldap-not-ready', { reason: error instanceof Error ? error.name : 'unknown' });
        return false;
      });
      this.#ready = { at: now, serves };
    }
    return this.#ready.serves;
  }

  override async authenticate(given: z.output<typeof authPackage>): Promise<ClientData | undefined> {
    const entries = await this.#directory.findByName(given.username);
    const [entry] = entries;
    if (entries.length > 1) this.context.log('warn', 'ldap-name-is-ambiguous', { entries: entries.length });
    // A bind in any case: an answer must not come sooner for a name that nobody has.
    const known = entries.length === 1 ? entry : undefined;
    const isRight = await this.#directory.passwordOpens(known?.dn, given.password);
    return isRight && known !== undefined ? this.#dataOf(known) : undefined;
  }

  override async getClient(clientId: string): Promise<ClientData | undefined> {
    const entry = await this.#directory.findById(clientId);
    return entry === undefined ? undefined : this.#dataOf(entry);
  }

  override async listClients(): Promise<readonly ClientData[]> {
    const entries = await this.#directory.list();
    // Without their groups: one more question for each person would be too many.
    return entries.map((entry) => clientOf(this.section, entry, []));
  }

  override async createClient(given: NewLdapClient, { requestId }: ClientWriteTry): Promise<ClientData> {
    return this.#dataOf(await this.#allowed().create(given, requestId));
  }

  override async updateClient(clientId: string, { password }: z.output<typeof updatePackage>): Promise<ClientData> {
    return this.#dataOf(await this.#allowed().setPassword(clientId, password));
  }

  // oxlint-disable-next-line max-params -- the contract's
  override async clientSelfUpdate(
    clientId: string,
    given: z.output<typeof selfUpdatePackage>,
    { attempt }: ClientWriteTry,
  ): Promise<ClientData> {
    return this.#dataOf(await this.#allowed().changePassword(clientId, { ...given, isFirstTry: attempt === 1 }));
  }

  /** Without `writes` the directory stays as it is: Muster's own mark keeps the client out. */
  override async disableClient(clientId: string): Promise<void> {
    await this.#writer?.enable(clientId, false);
  }

  override async enableClient(clientId: string): Promise<void> {
    await this.#writer?.enable(clientId, true);
  }

  override deleteClient(clientId: string): Promise<void> {
    return this.#allowed().remove(clientId);
  }

  override addRoles(clientId: string, roles: readonly string[]): Promise<void> {
    return this.#allowed().addRoles(clientId, roles);
  }

  override deleteRoles(clientId: string, roles: readonly string[]): Promise<void> {
    return this.#allowed().deleteRoles(clientId, roles);
  }

  #allowed(): LdapWriter {
    if (this.#writer === undefined) throw new Misconfigured('this section allows no writes');
    return this.#writer;
  }

  async #dataOf(entry: DirectoryEntry): Promise<ClientData> {
    return clientOf(this.section, entry, await this.#directory.groupsOf(entry));
  }
}

function secretOf({ bindPassword, bindPasswordFile }: LdapSection): string | undefined {
  return bindPasswordFile === undefined ? bindPassword : readFileSync(bindPasswordFile, 'utf8').trim();
}

function clientOf(section: LdapSection, entry: DirectoryEntry, groups: readonly string[]): ClientData {
  const { id, name, mail, externalId } = entry;
  const person = { externalId, email: mail, emailVerified: section.mailIsVerified };
  return new ClientData({ clientId: id, name, roles: rolesOf(section, groups), metadata: { dn: entry.dn }, person });
}

function rolesOf({ roles }: LdapSection, groups: readonly string[]): readonly string[] {
  return Object.entries(roles)
    .filter(([, names]) => names.some((name) => groups.some((group) => sameName(group, name))))
    .map(([role]) => role);
}

/** The built-in `ldap` provider. */
export const ldapProvider = defineAuthProvider({
  kind: 'ldap',
  title: 'Directory (LDAP)',
  sdk: SDK_VERSION,
  config: ldapSection,
  provider: LdapProvider,
});
