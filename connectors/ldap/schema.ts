import { attributeMap, tlsFields } from '@muster/sdk';
import { z } from 'zod';

const AttributeName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, { error: 'must be the name of an attribute' });
const Dn = z.string().regex(/^[A-Za-z][A-Za-z0-9.-]*=.+$/, { error: 'must be a DN, e.g. ou=people,dc=example,dc=org' });

const connection = {
  url: z
    .string()
    .regex(/^ldaps?:\/\/[^/@?#\s]+\/?$/, { error: 'must look like ldaps://host or ldap://host:port' })
    .describe('`ldaps://host` or `ldap://host`, with a port if it is not 636 or 389.'),
  startTls: z.boolean().optional().describe('Encrypts a connection that begins as `ldap://`.'),
  plaintext: z
    .boolean()
    .optional()
    .describe('Allows `ldap://` without encryption: passwords can then be read on the way.'),
  ...tlsFields,
  bindDn: z.string().min(1).describe('Who Muster is there.'),
  bindPassword: z.string().min(1).describe('The password of bindDn.'),
  userBase: Dn.describe('Where people are made and looked for.'),
  groupBase: Dn.describe('Where groups are made and looked for.'),
  attributes: attributeMap.optional().describe("What else is written into a person's entry, by attribute."),
};

/** A directory as RFC 4510 and its kin have it: OpenLDAP, 389 Directory Server and others. */
export const LdapConfig = z
  .strictObject({
    ...connection,
    keyAttribute: AttributeName.optional().describe('Keeps our key, in people and groups. Default `description`.'),
    idAttribute: AttributeName.optional().describe('The identity that survives a rename. Default `entryUUID`.'),
    userClasses: z
      .array(AttributeName)
      .optional()
      .describe('Object classes of people beside `inetOrgPerson`, for the attributes above.'),
    groupClass: z.enum(['groupOfNames', 'groupOfUniqueNames']).optional().describe('Default `groupOfNames`.'),
    placeholderMember: Dn.optional().describe(
      'Stands in a group that has no member, since its class demands one. Default `cn=nobody` below `groupBase`.',
    ),
    disableBy: z
      .enum(['ppolicy', 'nsAccountLock', 'password'])
      .optional()
      .describe(
        "What keeps somebody out who is disabled. `ppolicy` (default): OpenLDAP's overlay, with `pwdLockout: TRUE`; " +
          '`nsAccountLock`: 389 Directory Server; `password`: the password is taken away, and who comes back needs a new one.',
      ),
  })
  .superRefine(requireEncryption);
export type LdapConfig = z.infer<typeof LdapConfig>;

/** Active Directory, or Samba as one. */
export const ActiveDirectoryConfig = z
  .strictObject({
    ...connection,
    upnSuffix: z.string().min(1).describe('What comes behind the @ of a `userPrincipalName`.'),
    keyAttribute: AttributeName.optional().describe('Keeps our key, in people and groups. Default `adminDescription`.'),
    groupScope: z
      .enum(['global', 'domain local', 'universal'])
      .optional()
      .describe('Which groups are made. Default `global`.'),
  })
  .superRefine(requireEncryption);
export type ActiveDirectoryConfig = z.infer<typeof ActiveDirectoryConfig>;

/** What both have: how the directory is reached. */
export type ConnectionConfig = Pick<
  LdapConfig & ActiveDirectoryConfig,
  Extract<keyof LdapConfig, keyof ActiveDirectoryConfig>
>;

function requireEncryption(
  config: { readonly url: string; readonly startTls?: boolean | undefined; readonly plaintext?: boolean | undefined },
  context: z.RefinementCtx,
): void {
  const isPlain = config.url.startsWith('ldap://') && config.startTls !== true;
  if (isPlain && config.plaintext !== true) {
    const message = 'sends passwords in the clear: use ldaps://, or startTls: true, or say plaintext: true';
    context.addIssue({ code: 'custom', message, path: ['url'] });
  }
}
