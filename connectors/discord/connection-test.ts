import { Gone, Misconfigured, Rejected, path } from '@muster/sdk';
import type { CallContext, ConnectionReport } from '@muster/sdk';
import type { DiscordClient } from './client';
import { isReserved, listRoles } from './roles';
import { Guild, Member, MemberList, User } from './schema';
import type { DiscordConfig, Role } from './schema';

/** docs.discord.com, "Permissions", "Bitwise Permission Flags". */
const ADMINISTRATOR = 1n << 3n;
const RIGHTS = [
  ['Create Invite', 1n << 0n],
  ['Kick Members', 1n << 1n],
  ['View Audit Log', 1n << 7n],
  ['Manage Roles', 1n << 28n],
] as const;
const MANAGE_NICKNAMES = ['Manage Nicknames', 1n << 27n] as const;

/** Who the bot is, what it may do in the server, and which roles stand above it. Changes nothing. */
export async function checkConnection(
  client: DiscordClient,
  config: DiscordConfig,
  call: CallContext,
): Promise<ConnectionReport> {
  const bot = await client.read('/users/@me', { answer: User }, call);
  const guild = await client.read(path`/guilds/${client.guildId}`, { answer: Guild }, call);
  const roles = await listRoles(client, call);
  const { roles: own } = await client.read(client.member(bot.id), { answer: Member }, call);
  const remote = `Discord, "${guild.name}"`;
  const missing = [...missingRights(roles, own, { guildId: guild.id, config }), ...(await missingIntent(client, call))];
  if (missing.length > 0) return { ok: false, missing, remote };
  return { ok: true, missing: [], remote };
}

function missingRights(
  roles: readonly Role[],
  own: readonly string[],
  { guildId, config }: { readonly guildId: string; readonly config: DiscordConfig },
): readonly string[] {
  // The role @everyone has the id of the server.
  const held = roles.filter(({ id }) => own.includes(id) || id === guildId);
  const permissions = held.reduce((all, role) => all | BigInt(role.permissions), 0n);
  const top = Math.max(...held.map(({ position }) => position));
  const isAdministrator = (permissions & ADMINISTRATOR) !== 0n;
  const rights = config.setNicknames === false ? RIGHTS : [...RIGHTS, MANAGE_NICKNAMES];
  const lacking = rights.filter(([, bit]) => !isAdministrator && (permissions & bit) === 0n);
  const above = roles.filter(
    (role) => role.position > top && !role.managed && role.id !== guildId && !isReserved(role, config),
  );
  return [
    ...lacking.map(([right]) => `The bot lacks the right "${right}".`),
    ...(above.length === 0
      ? []
      : [
          `The bot's role is below ${above.length} others, which it cannot give or take: ${above.map(({ name }) => `"${name}"`).join(', ')}. ` +
            'Move it above them, or list them in reservedRoles.',
        ]),
  ];
}

/** Listing members is a privilege that is given in the developer portal. */
async function missingIntent(client: DiscordClient, call: CallContext): Promise<readonly string[]> {
  try {
    await client.read(path`/guilds/${client.guildId}/members`, { answer: MemberList, query: { limit: 1 } }, call);
    return [];
  } catch (error) {
    if (!(error instanceof Misconfigured || error instanceof Rejected || error instanceof Gone)) throw error;
    return ['The bot may not list members: switch "Server Members Intent" on in the developer portal.'];
  }
}
