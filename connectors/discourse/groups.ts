import { Conflict, Gone, path } from '@muster/sdk';
import type { CallContext, GroupRef, ManagedGroups, NewGroup, RemoteGroup, WriteOutcome } from '@muster/sdk';
import type { DiscourseClient } from './client';
import { GroupList, NewGroupAnswer, OneGroup } from './schema';
import type { ForumGroup, ForumUser } from './schema';
import { isNameTaken } from './users';

/** A group's description is the one text that is only ours to write; as a comment in it nobody sees the key. */
export function markOf({ owner, key }: Pick<NewGroup, 'owner' | 'key'>): string {
  return `<!-- muster:${owner}:group:${key} -->`;
}

const MARK = /<!-- muster:(?<owner>.+):group:(?<key>[^:\s]+) -->/;

export function remoteGroup(group: ForumGroup): RemoteGroup {
  const parts = MARK.exec(group.bio_raw ?? '')?.groups;
  const isOurs = parts?.['owner'] !== undefined && parts['key'] !== undefined;
  return {
    remoteId: String(group.id),
    name: group.name,
    ...(isOurs ? { owner: parts['owner'], key: parts['key'] } : {}),
  };
}

export async function groupPage(client: DiscourseClient, page: number, call: CallContext) {
  const list = await client.read('/groups.json', { answer: GroupList, query: { page } }, call);
  return { groups: list.groups.filter(({ automatic }) => !automatic), isLast: list.groups.length === 0 };
}

/** The group, if it is there and Muster's: of this very key, where the reference says which. */
export async function ownGroup(
  client: DiscourseClient,
  ref: GroupRef,
  call: CallContext,
): Promise<ForumGroup | undefined> {
  const found = await client.find(path`/groups/by-id/${ref.remoteId}.json`, OneGroup, call);
  if (found === undefined) return undefined;
  const { key, owner } = remoteGroup(found.group);
  if (key === undefined || (ref.key !== undefined && ref.key !== key)) return undefined;
  return ref.owner === undefined || ref.owner === owner ? found.group : undefined;
}

/**
 * The group of this key: by its name, and before a new one is made, by going through all of them, since a lost answer and a
 * renaming may lie between. Throws Conflict for a name that somebody else has.
 */
export async function existingGroup(
  client: DiscourseClient,
  group: NewGroup,
  call: CallContext,
): Promise<ForumGroup | undefined> {
  const namesake = (await client.find(path`/groups/${group.name}.json`, OneGroup, call))?.group;
  if (namesake !== undefined && isOf(namesake, group)) return namesake;
  for (let page = 0; page < 1000; page += 1) {
    const { groups, isLast } = await groupPage(client, page, call);
    const found = groups.find((each) => isOf(each, group));
    if (found !== undefined) return found;
    if (isLast) break;
  }
  // Users and groups share one set of names.
  if (namesake !== undefined || (await isNameTaken(client, group.name, call))) {
    throw new Conflict('A group or user with this name exists already and is not ours.', { code: 'name-taken' });
  }
  return undefined;
}

export async function makeGroup(client: DiscourseClient, group: NewGroup, call: CallContext): Promise<number> {
  // Seen by its members, its members seen by them: Muster tells the forum's visitors nothing new.
  const body = {
    group: { name: group.name, bio_raw: markOf(group), visibility_level: 2, members_visibility_level: 2 },
  };
  const made = await client.exchange(
    { method: 'POST', path: '/admin/groups.json', body, answer: NewGroupAnswer },
    call,
  );
  return made.basic_group.id;
}

export async function renameGroup(
  client: DiscourseClient,
  id: number,
  { name, call }: { name: string; call: CallContext },
): Promise<void> {
  await client.write({ method: 'PUT', path: path`/groups/${id}.json`, body: { group: { name } } }, call);
}

/** Joins and leaves, one request each: that of a group names users, and there is none that names groups. */
export async function writeGroups(
  client: DiscourseClient,
  { user, groups }: { readonly user: ForumUser; readonly groups: ManagedGroups },
  call: CallContext,
): Promise<WriteOutcome> {
  const present = new Set(user.groups.map(({ id }) => String(id)));
  const wanted = new Set(groups.wanted.map(({ remoteId }) => remoteId));
  const joins = [...wanted].filter((id) => !present.has(id));
  const leaves = new Set(
    groups.managed.map(({ remoteId }) => remoteId).filter((id) => present.has(id) && !wanted.has(id)),
  );
  const body = { usernames: user.username };
  for (const id of joins) {
    await client
      .write({ method: 'PUT', path: path`/groups/${id}/members.json`, body }, call)
      .catch((error: unknown) => {
        if (!(error instanceof Gone)) throw error;
        throw new Gone('A group is not there any more.', { what: 'group', remoteId: id, code: 'group-gone' });
      });
  }
  for (const id of leaves) {
    await client
      .write({ method: 'DELETE', path: path`/groups/${id}/members.json`, body }, call)
      .catch((error: unknown) => {
        // With the group its members are gone.
        if (!(error instanceof Gone)) throw error;
      });
  }
  return joins.length + leaves.size === 0 ? 'unchanged' : 'done';
}

function isOf(group: ForumGroup, { owner, key }: NewGroup): boolean {
  return group.bio_raw?.includes(markOf({ owner, key })) === true;
}
