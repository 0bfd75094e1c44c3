import { z } from 'zod';

/** Discord's ids: 64 bits as decimal digits (docs.discord.com, "API Reference", "Snowflakes"). */
const Snowflake = z.string().regex(/^\d{1,20}$/);

/** Which Discord server, with which bot, and what Muster leaves alone there. */
export const DiscordConfig = z.strictObject({
  token: z.string().min(1).describe("The bot's token."),
  guildId: Snowflake.describe('The id of the server (Discord calls it guild).'),
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .regex(/\/v([89]|[1-9]\d+)\/?$/, { error: 'must end with the version of the API, v8 or later' })
    .optional()
    .describe(
      'Default `https://discord.com/api/v10`. The version is part of it: before v8 waiting times came in milliseconds.',
    ),
  userIdAttribute: z
    .string()
    .min(1)
    .optional()
    .describe('The attribute of a person that holds their Discord user id. Default `discordId`.'),
  inviteUrl: z
    .url({ protocol: /^https$/ })
    .optional()
    .describe('Where people join by themselves; shown to those that Muster cannot add.'),
  setNicknames: z
    .boolean()
    .optional()
    .describe('Default true. false = nicknames stay as people and moderators set them.'),
  reservedRoles: z
    .array(z.string().min(1))
    .optional()
    .describe('Names or ids of roles that Muster neither gives nor takes, whatever they are mapped to.'),
  adoptRoles: z
    .boolean()
    .optional()
    .describe("Default false. true = a role of the wanted name that is there already becomes Muster's."),
});
export type DiscordConfig = z.infer<typeof DiscordConfig>;

// What Discord answers: only the fields that are used.

export const User = z.object({ id: Snowflake, username: z.string(), bot: z.boolean().optional() });
export const Member = z.object({
  user: User,
  nick: z.string().nullish(),
  roles: z.array(Snowflake),
});
export type Member = z.infer<typeof Member>;
export const MemberList = z.array(Member);

export const Role = z.object({
  id: Snowflake,
  name: z.string(),
  position: z.int(),
  permissions: z.string().regex(/^\d+$/),
  /** True for the roles of bots, integrations and boosters: nobody can give or take them. */
  managed: z.boolean(),
});
export type Role = z.infer<typeof Role>;
export const RoleList = z.array(Role);

export const Guild = z.object({ id: Snowflake, name: z.string(), owner_id: Snowflake });

export const AuditLog = z.object({
  audit_log_entries: z.array(
    z.object({ id: Snowflake, target_id: z.string().nullable(), reason: z.string().optional() }),
  ),
});

/** docs.discord.com, "API Reference", "Error Messages". */
export const Failure = z.object({ code: z.int() });
