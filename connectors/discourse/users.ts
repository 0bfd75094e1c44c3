import { Conflict, Gone, Rejected, path } from '@muster/sdk';
import type { AccountRef, CallContext, RemoteAccount } from '@muster/sdk';
import type { z } from 'zod';
import type { DiscourseClient } from './client';
import { sign } from './connect';
import { ByExternal, ForumUser, Named, Synced, UserList } from './schema';
import type { DiscourseConfig } from './schema';

/** Stands with a suspension, and tells one that removed somebody from one that disabled them. */
export const REMOVED = 'Muster: no longer a member';
export const DISABLED = 'Muster: disabled';

/** Who somebody is; `external_id` is Muster's id of the person, which is what DiscourseConnect knows people by. */
export interface Person {
  readonly userId: string;
  readonly username: string;
  readonly name: string;
  readonly email: string | null;
}

export function findUser(client: DiscourseClient, id: string, call: CallContext): Promise<ForumUser | undefined> {
  return client.find(path`/admin/users/${id}.json`, ForumUser, call);
}

/** The user of this person, removed ones too. */
export async function userOfPerson(
  client: DiscourseClient,
  userId: string,
  call: CallContext,
): Promise<ForumUser | undefined> {
  const found = await client.find(path`/u/by-external/${userId}.json`, ByExternal, call);
  return found === undefined ? undefined : findUser(client, String(found.user.id), call);
}

/** The user, if it is there, not removed, and this person's. */
export async function ownUser(
  client: DiscourseClient,
  ref: AccountRef,
  call: CallContext,
): Promise<ForumUser | undefined> {
  const user = await findUser(client, ref.remoteId, call);
  if (user === undefined || isRemoved(user)) return undefined;
  return user.single_sign_on_record?.external_id === ref.key.userId ? user : undefined;
}

export function isRemoved(user: ForumUser): boolean {
  return isSuspended(user) && user.full_suspend_reason?.startsWith(REMOVED) === true;
}

export function isSuspended({ suspended_till: until }: ForumUser): boolean {
  return until !== null && until !== undefined && Date.parse(until) > Date.now();
}

export function remoteAccount(user: ForumUser): RemoteAccount {
  return {
    remoteId: String(user.id),
    name: user.username,
    enabled: !isSuspended(user),
    groups: user.groups.filter(({ automatic }) => !automatic).map(({ id }) => String(id)),
    ...(user.single_sign_on_record ? { userId: user.single_sign_on_record.external_id } : {}),
  };
}

/**
 * Makes the person's user, as their first login would (meta.discourse.org/t/84398, `sync_sso`). What Discourse does silently is
 * looked for before: it takes over whoever has the mail address, and alters a name that is taken (`mayBeAltered`: let it).
 */
export async function makeUser(
  client: DiscourseClient,
  {
    person,
    config,
    mayBeAltered = false,
  }: { readonly person: Person; readonly config: DiscourseConfig; readonly mayBeAltered?: boolean },
  call: CallContext,
): Promise<z.infer<typeof Synced>> {
  const { userId, username, name, email } = person;
  if (email === null) throw new Rejected('A forum account needs a mail address.', { code: 'no-email' });
  if (config.adoptByEmail !== true) await refuseTakenEmail(client, email, call);
  if (!mayBeAltered && (await isNameTaken(client, username, call))) {
    throw new Conflict('A user with this name exists already and is not ours.', { code: 'name-taken' });
  }
  const payload = { external_id: userId, email, username, name, suppress_welcome_message: 'true' };
  const body = { ...sign(payload, config.connectSecret) };
  return client.exchange({ method: 'POST', path: '/admin/users/sync_sso', body, answer: Synced }, call);
}

async function refuseTakenEmail(client: DiscourseClient, email: string, call: CallContext): Promise<void> {
  const users = await client.read('/admin/users.json', { answer: UserList, query: { email } }, call);
  if (users.length === 0) return;
  throw new Rejected('Another account of the forum has this mail address; adoptByEmail would take it over.', {
    code: 'email-taken',
  });
}

export async function isNameTaken(client: DiscourseClient, name: string, call: CallContext): Promise<boolean> {
  return (await client.find(path`/u/${name}.json`, Named, call)) !== undefined;
}

/** `until` undefined = no longer. */
export async function suspend(
  client: DiscourseClient,
  user: ForumUser,
  { reason, call }: { readonly reason: string | undefined; readonly call: CallContext },
): Promise<void> {
  const where =
    reason === undefined ? path`/admin/users/${user.id}/unsuspend.json` : path`/admin/users/${user.id}/suspend.json`;
  const body = reason === undefined ? {} : { suspend_until: '3018-01-01', reason };
  await client.write({ method: 'PUT', path: where, body }, call);
}

/** Everywhere at once. Answers false when the user is not there. */
export async function logOut(client: DiscourseClient, id: number, call: CallContext): Promise<boolean> {
  try {
    await client.write({ method: 'POST', path: path`/admin/users/${id}/log_out.json`, body: {} }, call);
    return true;
  } catch (error) {
    if (error instanceof Gone) return false;
    throw error;
  }
}
