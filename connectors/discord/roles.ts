import { Conflict, path } from '@muster/sdk';
import type { CallContext, NewGroup } from '@muster/sdk';
import type { DiscordClient } from './client';
import { AuditLog, Role, RoleList, User } from './schema';
import type { DiscordConfig } from './schema';

/** docs.discord.com, "Audit Logs Resource", "Audit Log Events". */
const ROLE_CREATE = 30;
const LOG_PAGE = 100;
/** A server has at most 250 roles, and what was made and removed since matters little. */
const LOG_PAGES = 5;

/**
 * A role has no field that could carry our key. Its making has: the reason in the server's audit log, which Discord keeps for
 * 45 days. That is long enough to find a role again whose making was never answered; after that its id is known.
 */
export function roleReason(group: Pick<NewGroup, 'owner' | 'key'>): string {
  return `muster:${group.owner}:group:${group.key}`;
}

const REASON = /^muster:(?<owner>.+):group:(?<key>[^:]+)$/;

/** Whose key a role carries, as far as the audit log knows. */
export interface RoleKey {
  readonly owner: string;
  readonly key: string;
}

export function listRoles(client: DiscordClient, call: CallContext): Promise<readonly Role[]> {
  return client.read(path`/guilds/${client.guildId}/roles`, { answer: RoleList }, call);
}

/** The keys of the roles that this bot made, by role id. */
export async function keysOfRoles(client: DiscordClient, call: CallContext): Promise<ReadonlyMap<string, RoleKey>> {
  const bot = await client.read('/users/@me', { answer: User }, call);
  const keys = new Map<string, RoleKey>();
  let before: string | undefined;
  for (let page = 0; page < LOG_PAGES; page += 1) {
    const query = { user_id: bot.id, action_type: ROLE_CREATE, limit: LOG_PAGE, before };
    const { audit_log_entries: entries } = await client.read(
      path`/guilds/${client.guildId}/audit-logs`,
      { answer: AuditLog, query },
      call,
    );
    for (const { target_id: roleId, reason } of entries) {
      const parts = REASON.exec(reason ?? '')?.groups;
      if (roleId === null || parts?.['owner'] === undefined || parts['key'] === undefined) continue;
      if (!keys.has(roleId)) keys.set(roleId, { owner: parts['owner'], key: parts['key'] });
    }
    before = entries.at(-1)?.id;
    if (entries.length < LOG_PAGE) break;
  }
  return keys;
}

/**
 * The role that this group has already: made by us, as the audit log says, or of that name where the configuration lets it be
 * taken. Throws Conflict for a role of that name that is somebody else's.
 */
export async function existingRole(
  client: DiscordClient,
  wanted: { readonly group: NewGroup; readonly config: DiscordConfig },
  call: CallContext,
): Promise<Role | undefined> {
  const { group, config } = wanted;
  const roles = await listRoles(client, call);
  const keys = await keysOfRoles(client, call);
  const own = roles.find(({ id }) => keys.get(id)?.key === group.key && keys.get(id)?.owner === group.owner);
  if (own !== undefined) return own;
  const namesake = roles.find(({ name }) => name === group.name);
  if (namesake === undefined) return undefined;
  const isFree = !namesake.managed && !keys.has(namesake.id) && !isReserved(namesake, config);
  if (config.adoptRoles === true && isFree) return namesake;
  throw new Conflict('A role with this name exists already and is not ours.', { code: 'name-taken' });
}

export function isReserved(role: Pick<Role, 'id' | 'name'>, config: DiscordConfig): boolean {
  const reserved = config.reservedRoles ?? [];
  return reserved.includes(role.id) || reserved.includes(role.name);
}

export function makeRole(client: DiscordClient, group: NewGroup, call: CallContext): Promise<Role> {
  return client.exchange(
    {
      method: 'POST',
      path: path`/guilds/${client.guildId}/roles`,
      // Without permissions of its own: Discord would else give it those of @everyone.
      body: { name: group.name, permissions: '0' },
      reason: roleReason(group),
      answer: Role,
    },
    call,
  );
}
