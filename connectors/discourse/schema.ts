import { tlsFields } from '@muster/sdk';
import { z } from 'zod';

/** Which forum, who Muster is there, and what becomes of accounts. */
export const DiscourseConfig = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('The forum, e.g. `https://forum.example.org`.'),
  apiKey: z.string().min(1).describe('A key for all users, without scopes or with those of users and groups.'),
  apiUsername: z.string().min(1).optional().describe('Whose name stands under what Muster does. Default `system`.'),
  connectSecret: z.string().min(10).describe("The forum's setting `discourse_connect_secret`."),
  accounts: z
    .enum(['at first login', 'at once'])
    .optional()
    .describe(
      'Default `at first login`: the account is made when the person first comes to the forum. `at once` = when they get the service.',
    ),
  onRemoval: z
    .enum(['suspend', 'delete', 'anonymize'])
    .optional()
    .describe(
      'Default `suspend`: for ever, posts stay. `delete` = only who has written nothing can be deleted. `anonymize` = posts stay under another name; cannot be undone.',
    ),
  adoptByEmail: z
    .boolean()
    .optional()
    .describe("Default false. true = an account with the person's mail address that is there already becomes theirs."),
  ...tlsFields,
});
export type DiscourseConfig = z.infer<typeof DiscourseConfig>;

// What the forum answers: only the fields that are used.

const UserGroup = z.object({ id: z.int(), name: z.string(), automatic: z.boolean() });

export const ForumUser = z.object({
  id: z.int(),
  username: z.string(),
  name: z.string().nullish(),
  groups: z.array(UserGroup).default([]),
  single_sign_on_record: z.object({ external_id: z.string() }).nullish(),
  suspended_till: z.string().nullish(),
  full_suspend_reason: z.string().nullish(),
});
export type ForumUser = z.infer<typeof ForumUser>;

export const ByExternal = z.object({ user: z.object({ id: z.int() }) });
export const Named = z.object({ user: z.object({ id: z.int(), username: z.string() }) });
export const Synced = z.object({ id: z.int(), username: z.string() });
export const UserList = z.array(z.object({ id: z.int(), username: z.string() }));

export const ForumGroup = z.object({
  id: z.int(),
  name: z.string(),
  automatic: z.boolean(),
  bio_raw: z.string().nullish(),
});
export type ForumGroup = z.infer<typeof ForumGroup>;
export const OneGroup = z.object({ group: ForumGroup });
export const GroupList = z.object({ groups: z.array(ForumGroup), total_rows_groups: z.int() });
export const NewGroupAnswer = z.object({ basic_group: z.object({ id: z.int(), name: z.string() }) });

/** Discourse says what kind of error it is beside texts in the forum's language. */
export const Failure = z.object({ errors: z.array(z.string()).optional(), error_type: z.string().optional() });

/** What the hook asks the manager to sign. */
export const Arrival = z.object({
  sso: z.string().min(1),
  sig: z.string().min(1),
  userId: z.string().min(1),
  username: z.string().min(1),
  name: z.string(),
  email: z.string().nullable(),
});
export type Arrival = z.infer<typeof Arrival>;
