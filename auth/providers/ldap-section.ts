import { z } from 'zod';

const dn = z.string().min(1).max(1_000);
const attribute = z.string().regex(/^[a-zA-Z][a-zA-Z0-9;-]{0,63}$/, 'must be the name of an attribute');
const filter = z.string().regex(/^\(.*\)$/su, 'must be an LDAP filter in parentheses');

/** What is written into a directory, and how. */
const ldapWrites = z.strictObject({
  /** Where new clients are made. Default: `base`. */
  base: dn.optional(),
  objectClasses: z.array(attribute).min(1).default(['inetOrgPerson']),
  /** Names an entry in its DN. Default: `nameAttribute`. */
  rdnAttribute: attribute.optional(),
  /** More attributes of new clients; `{username}` and `{displayName}` are filled in. */
  attributes: z.record(attribute, z.string().min(1)).default({}),
  /** Holds the id of the request that made an entry: after a lost answer it is known again. */
  requestAttribute: attribute.default('description'),
  /** `unicodePwd` in Active Directory. */
  password: z.enum(['rfc3062', 'unicodePwd']).default('rfc3062'),
  /** What keeps somebody out: OpenLDAP's password policy, 389 Directory Server's attribute, Active Directory's flag. */
  disable: z.enum(['ppolicy', 'nsAccountLock', 'userAccountControl']).default('ppolicy'),
  memberAttribute: attribute.default('member'),
});

export type LdapWrites = z.output<typeof ldapWrites>;

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
    /** What Muster may write there. Absent: nothing. */
    writes: ldapWrites.optional(),
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
