import { tlsFields } from '@muster/sdk';
import { z } from 'zod';

/** What can be called at the receiver. Those that only ask (find, list) belong to the kind `webhook-directory`. */
export const CALLS = [
  'createAccount',
  'updateAccount',
  'setNickname',
  'enableAccount',
  'disableAccount',
  'deleteAccount',
  'endSessions',
  'setPassword',
  'setGroups',
  'ensureGroup',
  'renameGroup',
  'removeGroup',
] as const;
export type Call = (typeof CALLS)[number];

/** Text of at least 16 characters, or `whsec_` and base64 of at least 16 bytes. */
const SigningSecret = z
  .string()
  .min(16)
  .refine((secret) => !secret.startsWith('whsec_') || Buffer.from(secret.slice(6), 'base64').length >= 16, {
    error: 'what follows whsec_ must be base64 of at least 16 bytes',
  });

/** Where the calls go, and how they are signed. */
export const WebhookConfig = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('Gets every call as a POST. A secret: many such URLs hold a token.'),
  secret: SigningSecret.describe('The key of the signature.'),
  previousSecret: SigningSecret.optional().describe(
    'While a new secret is brought out: calls carry a signature by this one too.',
  ),
  calls: z
    .array(z.enum(CALLS))
    .min(1)
    .optional()
    .describe(
      'The calls that the receiver wants. Default: all. The others are taken for done, and a password for refused.',
    ),
  ...tlsFields,
});
export type WebhookConfig = z.infer<typeof WebhookConfig>;

// What the receiver may answer. An empty answer means that it was done.

const Text = z.string().min(1);

export const CreateAnswer = z.union([
  z.object({
    outcome: z.enum(['created', 'already existed']).default('created'),
    remoteId: Text.optional(),
    name: Text.optional(),
  }),
  z.object({
    outcome: z.literal('action required'),
    instruction: Text,
    remoteId: Text.optional(),
    expiresInMs: z.int().min(1000).optional(),
    checkAfterMs: z.int().min(1000).optional(),
  }),
  z.object({ outcome: z.literal('in progress'), checkAfterMs: z.int().min(0) }),
]);
export type CreateAnswer = z.infer<typeof CreateAnswer>;

export const WriteAnswer = z.object({ outcome: z.enum(['done', 'unchanged', 'gone']).default('done') });
export const RemoveAnswer = z.object({ outcome: z.enum(['done', 'nothing there']).default('done') });
export const GroupAnswer = z.object({
  outcome: z.enum(['created', 'already existed']).default('created'),
  remoteId: Text.optional(),
  name: Text.optional(),
});
/** With 404 or 410: what is not there. Default: what the call was for. */
export const GoneAnswer = z.object({ what: z.literal('group'), remoteId: Text });
export const TestAnswer = z.object({
  ok: z.boolean().default(true),
  missing: z.array(z.string()).default([]),
  remote: z.string().optional(),
});

const Account = z.object({
  remoteId: Text,
  name: Text,
  userId: Text.optional(),
  owner: Text.optional(),
  enabled: z.boolean().optional(),
  groups: z.array(Text).optional(),
});
const Group = z.object({ remoteId: Text, name: Text, key: Text.optional(), owner: Text.optional() });
export const FindAnswer = z.object({ account: Account.nullable() });
export const AccountsAnswer = z.object({ items: z.array(Account), next: Text.optional() });
export const GroupsAnswer = z.object({ items: z.array(Group), next: Text.optional() });
