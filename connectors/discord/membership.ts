import { Gone, isServiceError } from '@muster/sdk';
import type { CallContext, ManagedGroups, WriteOutcome } from '@muster/sdk';
import type { DiscordClient } from './client';
import { UNKNOWN_ROLE } from './failures';
import { isReserved, listRoles } from './roles';
import type { DiscordConfig, Member } from './schema';

/** The roles of one member, and what they should become. */
export interface RoleWriting {
  readonly member: Member;
  readonly groups: ManagedGroups;
  readonly config: DiscordConfig;
}

/**
 * Makes the managed roles of a member exactly the wanted ones. Discord replaces the whole list, so it is sent with all that is
 * not Muster's: roles of bots, boosters and integrations, reserved ones, those that moderators gave.
 */
export async function writeRoles(
  client: DiscordClient,
  writing: RoleWriting,
  call: CallContext,
): Promise<WriteOutcome> {
  const { member, groups } = writing;
  const next = nextRoles(writing);
  if (isSame(next, member.roles)) return 'unchanged';
  try {
    await sendRoles(client, member, { roles: next, call });
  } catch (error) {
    if (!isServiceError(error) || error.code !== `discord-${UNKNOWN_ROLE}`) throw error;
    return await withoutUnknown(client, { member, groups, next }, call);
  }
  return 'done';
}

function nextRoles({ member, groups, config }: RoleWriting): readonly string[] {
  const ours = groups.managed.filter((group) => !isReserved({ id: group.remoteId, name: group.name }, config));
  const managed = new Set(ours.map(({ remoteId }) => remoteId));
  const kept = member.roles.filter((id) => !managed.has(id));
  const wanted = groups.wanted.map(({ remoteId }) => remoteId).filter((id) => managed.has(id));
  return [...new Set([...kept, ...wanted])];
}

/** Discord names no role that it does not know: a wanted one is told, a leftover on the member is dropped. */
async function withoutUnknown(
  client: DiscordClient,
  {
    member,
    groups,
    next,
  }: { readonly member: Member; readonly groups: ManagedGroups; readonly next: readonly string[] },
  call: CallContext,
): Promise<WriteOutcome> {
  const known = new Set((await listRoles(client, call)).map(({ id }) => id));
  const missing = groups.wanted.find(({ remoteId }) => !known.has(remoteId));
  if (missing !== undefined) {
    throw new Gone('A role is not there any more.', { what: 'group', remoteId: missing.remoteId, code: 'role-gone' });
  }
  await sendRoles(client, member, { roles: next.filter((id) => known.has(id)), call });
  return 'done';
}

async function sendRoles(
  client: DiscordClient,
  member: Member,
  { roles, call }: { readonly roles: readonly string[]; readonly call: CallContext },
): Promise<void> {
  const reason = 'Muster: groups';
  await client.write({ method: 'PATCH', path: client.member(member.user.id), body: { roles }, reason }, call);
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((id) => other.includes(id));
}
