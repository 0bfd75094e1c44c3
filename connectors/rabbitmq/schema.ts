import { tlsFields } from '@muster/sdk';
import { z } from 'zod';

/** Configuration of one RabbitMQ. */
export const RabbitConfig = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe('Where the management plugin answers, e.g. `https://mq.example.org:15671`.'),
  user: z.string().min(1).describe('A user with the tag `administrator`.'),
  password: z.string().min(1).describe('The password of that user.'),
  tags: z
    .array(z.string().regex(/^[^,:\s]+$/))
    .optional()
    .describe('Tags of everybody, e.g. `["management"]`. Default none: people use the broker and not its pages.'),
  configure: z
    .string()
    .optional()
    .describe(
      'What a member may do in a virtual host; each a regular expression over names. Default `.*`: everything.',
    ),
  write: z.string().optional().describe('As `configure`, for publishing and binding.'),
  read: z.string().optional().describe('As `configure`, for consuming.'),
  ...tlsFields,
});
export type RabbitConfig = z.infer<typeof RabbitConfig>;

// What the management API answers: only what is used. https://www.rabbitmq.com/docs/management

export const WhoAmI = z.object({ name: z.string(), tags: Tags() });
export const Overview = z.object({ rabbitmq_version: z.string() });

export const RemoteUser = z.object({
  name: z.string(),
  password_hash: z.string(),
  hashing_algorithm: z.string(),
  tags: Tags(),
});
export type RemoteUser = z.infer<typeof RemoteUser>;
export const RemoteUsers = z.array(RemoteUser);

/** What one user may do in one virtual host. */
export const Permission = z.object({
  user: z.string(),
  vhost: z.string(),
  configure: z.string(),
  write: z.string(),
  read: z.string(),
});
export type Permission = z.infer<typeof Permission>;
export const Permissions = z.array(Permission);

export const RemoteHost = z.object({ name: z.string(), description: z.string().default('') });
export type RemoteHost = z.infer<typeof RemoteHost>;
export const RemoteHosts = z.array(RemoteHost);

export const Connections = z.array(z.object({ name: z.string() }));

/** The reason of a 400. */
export const BadRequest = z.object({ reason: z.string() });

/** A list since 3.9, before that one text with commas. */
function Tags(): z.ZodType<readonly string[]> {
  return z.union([z.array(z.string()), z.string().transform((text) => text.split(',').filter((tag) => tag !== ''))]);
}
