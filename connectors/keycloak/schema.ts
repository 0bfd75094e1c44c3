import { attributeMap, tlsFields } from '@muster/sdk';
import { z } from 'zod';

/** Which realm, who Muster is there, and what groups become. */
export const KeycloakConfig = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('Keycloak itself, e.g. `https://id.example.org`.'),
  realm: z.string().min(1).describe('The realm that is kept.'),
  clientId: z
    .string()
    .min(1)
    .describe(
      'A confidential client with a service account that has the roles `manage-users` and `view-realm` of `realm-management`.',
    ),
  clientSecret: z.string().min(1).describe('The secret of that client.'),
  clientRealm: z.string().min(1).optional().describe('The realm in which the client is. Default: `realm`.'),
  groupsAre: z.enum(['group', 'role']).optional().describe('Default `group`. `role` = a role of the realm.'),
  requiredActions: z
    .array(z.string().min(1))
    .optional()
    .describe('What a new user must do first, e.g. `["UPDATE_PASSWORD", "CONFIGURE_TOTP"]`.'),
  attributes: attributeMap
    .optional()
    .describe(
      'More of a user: `firstName`, `lastName`, or an attribute, and what fills it, e.g. `{ "firstName": "{attributes.first}" }`.',
    ),
  ...tlsFields,
});
export type KeycloakConfig = z.infer<typeof KeycloakConfig>;

// What Keycloak answers: only the fields that are used; a user keeps the others, since PUT must send them back.

const Attributes = z.record(z.string(), z.array(z.string())).optional();

export const Token = z.object({ access_token: z.string(), expires_in: z.number() });

export const User = z.looseObject({
  id: z.string(),
  username: z.string(),
  enabled: z.boolean(),
  firstName: z.string().optional(),
  lastName: z.string().optional(),
  email: z.string().optional(),
  attributes: Attributes,
});
export type User = z.infer<typeof User>;
export const UserList = z.array(User);

/** A group or a role: both have an id, a name and attributes. */
export const Group = z.looseObject({ id: z.string(), name: z.string(), attributes: Attributes });
export type Group = z.infer<typeof Group>;
export const GroupList = z.array(Group);

export const Sessions = z.array(z.object({ id: z.string() }));
export const UserProfile = z.object({
  unmanagedAttributePolicy: z.string().optional(),
  attributes: z.array(z.object({ name: z.string() })).default([]),
});

/** Keycloak says `error` for what its own code refuses, and `errorMessage` for what its checks do. */
export const Failure = z.object({ error: z.string().optional(), errorMessage: z.string().optional() });
