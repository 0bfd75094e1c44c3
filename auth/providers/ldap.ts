import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AuthProvider, ClientData, defineAuthProvider, SDK_VERSION } from '../../sdk/index';
import { LdapDirectory } from './ldap-directory';
import type { AuthProviderContext } from '../../sdk/index';
import type { DirectoryEntry } from './ldap-directory';

const dn = z.string().min(1).max(1_000);
const attribute = z.string().regex(/^[a-zA-Z][a-zA-Z0-9;-]{0,63}$/, 'must be the name of an attribute');
const filter = z.string().regex(/^\(.*\)$/su, 'must be an LDAP filter in parentheses');

/** The section of a directory. */
export const ldapSection = z
  .strictObject({
    /** `ldaps://host`, or `ldap://host` with `startTls` or, on a closed network, `plaintext`. */
    url: z.string().regex(/^ldaps?:\/\/[^/\s]+\/?$/, 'must be ldap://host:port or ldaps://host:port'),
    startTls: z.boolean().default(false),
    /** Passwords go over the wire as they are. */
    plaintext: z.boolean().default(false),
    /** Certificates (PEM) that the server's is checked with; default: those of the system. */
    caFile: z.string().optional(),
    /** The account that looks people up. Absent: anonymously. */
    bindDn: dn.optional(),
    bindPassword: z.string().min(1).optional(),
    /** Instead of `bindPassword`: a file that holds it. */
    bindPasswordFile: z.string().optional(),
    base: dn,
    /** Who may log in. In Active Directory leave out who is switched off. */
    filter: filter.default('(objectClass=person)'),
    /** A name is looked for in each of these. */
    loginAttributes: z.array(attribute).min(1).default(['uid']),
    /** Never passes to another: `entryUUID`, or `objectGUID` in Active Directory. */
    idAttribute: attribute.default('entryUUID'),
    nameAttribute: attribute.default('uid'),
    mailAttribute: attribute.default('mail'),
    /** True when nobody can write their own mail attribute: then it proves the person. */
    mailIsVerified: z.boolean().default(false),
    /** Holds the person's `externalId` of the roster. */
    externalIdAttribute: attribute.optional(),
    /** Groups that hold a person as member are looked for here. Absent: the person's `memberOf` counts. */
    groupBase: dn.optional(),
    /** `{dn}` is the person's. */
    groupFilter: filter.default('(member={dn})'),
    /** Role to groups, by DN or common name, in any case; whoever is in one of the groups has the role. */
    roles: z.record(z.string(), z.array(z.string().min(1))).default({}),
    timeoutMs: z.number().int().min(100).max(60_000).default(5_000),
  })
  .refine((section) => section.plaintext || section.startTls || section.url.startsWith('ldaps:'), {
    path: ['url'],
    message: 'must be ldaps://, or startTls must be true, or plaintext must be allowed',
  })
  .refine((section) => section.bindPassword === undefined || section.bindPasswordFile === undefined, {
    path: ['bindPassword'],
    message: 'and bindPasswordFile are both given: keep one',
  });

export type LdapSection = z.output<typeof ldapSection>;

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

/** People and groups of an LDAP directory, OpenLDAP's or Active Directory's. Nothing is ever written there. */
class LdapProvider extends AuthProvider {
  override readonly authPackage = authPackage;
  readonly #directory: LdapDirectory;
  #ready: { readonly at: number; readonly serves: Promise<boolean> } | undefined;

  constructor(
    private readonly section: LdapSection,
    private readonly context: AuthProviderContext,
  ) {
    super();
    this.#directory = new LdapDirectory(section, secretOf(section));
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

  /** The directory stays as it is: Muster's own mark keeps the client out. */
  override async disableClient(): Promise<void> {}

  override async enableClient(): Promise<void> {}

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
  const held = new Set(groups.flatMap((group) => [spelled(group), commonName(group)]));
  return Object.entries(roles)
    .filter(([, names]) => names.some((name) => held.has(spelled(name))))
    .map(([role]) => role);
}

/** DNs and names are the same in any case, and with or without blanks after commas. */
function spelled(name: string): string {
  return name.toLowerCase().replace(/\s*,\s*/g, ',');
}

function commonName(groupDn: string): string {
  const value = /^cn=((?:[^,\\]|\\.)*)/i.exec(groupDn)?.[1] ?? '';
  return value.replace(/\\(.)/g, '$1').toLowerCase();
}

/** The built-in `ldap` provider. */
export const ldapProvider = defineAuthProvider({
  kind: 'ldap',
  title: 'Directory (LDAP)',
  sdk: SDK_VERSION,
  config: ldapSection,
  provider: LdapProvider,
});
