import { attributeMap, tlsFields } from '@muster/sdk';
import { z } from 'zod';

/** Where the SCIM server is, who Muster is there, and what to believe instead of what the server says of itself. */
export const ScimConfig = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }).describe('Where the protocol begins, e.g. `https://example.org/scim/v2`.'),
    token: z.string().min(1).optional().describe('Sent as a bearer token. Excludes user and password.'),
    user: z.string().min(1).optional().describe('For servers that want Basic authentication.'),
    password: z.string().optional().describe('The password of `user`.'),
    write: z
      .enum(['patch', 'put'])
      .optional()
      .describe('How resources are changed. Default: PATCH, unless the server says that it cannot.'),
    membersPerRequest: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe('Members that one operation on a group names. Default 100.'),
    attributes: attributeMap
      .optional()
      .describe(
        'More attributes of a user, e.g. `{ "name.givenName": "{attributes.firstName}", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "{attributes.team}" }`.',
      ),
    ...tlsFields,
  })
  .refine((config) => config.token === undefined || config.user === undefined, {
    error: 'token and user exclude each other',
    path: ['token'],
  })
  .refine((config) => (config.user === undefined) === (config.password === undefined), {
    error: 'user and password belong together',
    path: ['password'],
  });
export type ScimConfig = z.infer<typeof ScimConfig>;

// What servers answer: only the fields that are used; a user keeps the others, since PUT must send them back.

/** RFC 7643 2.2 says string; some servers count. */
const Id = z.union([z.string().min(1), z.int().transform(String)]);

/** Some servers write "True" (learn.microsoft.com, "Known issues with SCIM 2.0 protocol compliance"). */
const Flag = z.union([z.boolean(), z.string().transform((text) => text.toLowerCase() === 'true')]);

const Meta = z.looseObject({ version: z.string().optional() });
const Reference = z.looseObject({ value: Id });

export const ScimUser = z.looseObject({
  schemas: z.array(z.string()).optional(),
  id: Id,
  externalId: z.string().nullish(),
  userName: z.string(),
  active: Flag.optional(),
  emails: z.array(z.looseObject({ value: z.string().optional() })).optional(),
  meta: Meta.optional(),
  groups: z.array(Reference).optional(),
});
export type ScimUser = z.infer<typeof ScimUser>;

export const ScimGroup = z.looseObject({
  id: Id,
  externalId: z.string().nullish(),
  displayName: z.string(),
  meta: Meta.optional(),
  members: z.array(Reference).optional(),
});
export type ScimGroup = z.infer<typeof ScimGroup>;

const List = z.object({ totalResults: z.int(), startIndex: z.int().optional() });
// `Resources` may be left out when nothing was found (RFC 7644 3.4.2).
export const UserList = List.extend({ Resources: z.array(ScimUser).default([]) });
export const GroupList = List.extend({ Resources: z.array(ScimGroup).default([]) });

const Feature = z.object({ supported: Flag });

const HAS = { supported: true };
const HAS_NOT = { supported: false };

/** RFC 7643 5. What is left out is taken for not supported, except what everybody needs. */
export const ServiceProviderConfig = z.object({
  patch: Feature.default(HAS),
  filter: Feature.default(HAS),
  changePassword: Feature.default(HAS),
  etag: Feature.default(HAS_NOT),
  bulk: Feature.extend({
    maxOperations: z.int().default(100),
    maxPayloadSize: z.int().default(1024 * 1024),
  }).default({ ...HAS_NOT, maxOperations: 0, maxPayloadSize: 0 }),
});
export type ServiceProviderConfig = z.infer<typeof ServiceProviderConfig>;

/** RFC 7644 3.12. */
export const ScimFailure = z.object({ scimType: z.string().nullish() });

/** RFC 7644 3.7.3; older drafts wrote the status as an object. */
export const BulkAnswer = z.object({
  Operations: z.array(
    z.object({
      status: z.union([
        z.string(),
        z.int().transform(String),
        z.object({ code: z.string() }).transform(({ code }) => code),
      ]),
    }),
  ),
});
