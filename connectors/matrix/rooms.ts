import { Conflict, Gone, Misconfigured, Rejected, path } from '@muster/sdk';
import type { CallContext, GroupRef, ManagedGroups, NewGroup, RemoteGroup, WriteOutcome } from '@muster/sdk';
import type { MatrixClient } from './client';
import { Alias, JoinedRooms, NewRoom, Room } from './schema';
import type { MatrixConfig } from './schema';

/**
 * A room is found again by its alias, which holds our key: an alias belongs to one room, so a room cannot be made twice. Names
 * of rooms are for people, and any number of rooms may share one.
 */
export function aliasLocalpart({ owner, key }: Pick<NewGroup, 'owner' | 'key'>): string {
  return `muster.${escape(owner)}.group.${escape(key)}`;
}

const ALIAS = /^#muster\.(?<owner>[^.]+)\.group\.(?<key>[^.:]+):/;

export function remoteGroup(room: Room): RemoteGroup {
  const parts = ALIAS.exec(room.canonical_alias ?? '')?.groups;
  const isOurs = parts?.['owner'] !== undefined && parts['key'] !== undefined;
  return {
    remoteId: room.room_id,
    name: room.name ?? '',
    ...(isOurs ? { key: unescape(parts['key'] ?? ''), owner: unescape(parts['owner'] ?? '') } : {}),
  };
}

/** The room of this group, if there is one. */
export async function findRoom(client: MatrixClient, group: NewGroup, call: CallContext): Promise<Room | undefined> {
  const { serverName } = await client.identity(call);
  const alias = `#${aliasLocalpart(group)}:${serverName}`;
  const found = await client.find(path`/_matrix/client/v3/directory/room/${alias}`, Alias, call);
  return found === undefined ? undefined : roomById(client, found.room_id, call);
}

/** The room, if it is there and is Muster's: of this very group, where the reference says which. */
export async function ownRoom(client: MatrixClient, ref: GroupRef, call: CallContext): Promise<Room | undefined> {
  const room = await roomById(client, ref.remoteId, call);
  if (room === undefined) return undefined;
  const { key, owner } = remoteGroup(room);
  if (key === undefined || (ref.key !== undefined && ref.key !== key)) return undefined;
  return ref.owner === undefined || ref.owner === owner ? room : undefined;
}

function roomById(client: MatrixClient, roomId: string, call: CallContext): Promise<Room | undefined> {
  return client.find(path`/_synapse/admin/v1/rooms/${roomId}`, Room, call);
}

/** Makes the room with its alias in one step; who comes second finds the first one's. Answers its id. */
export async function makeRoom(
  client: MatrixClient,
  { group, config }: { readonly group: NewGroup; readonly config: MatrixConfig },
  call: CallContext,
): Promise<string> {
  const body = {
    name: group.name,
    room_alias_name: aliasLocalpart(group),
    preset: 'private_chat',
    visibility: 'private',
    ...(config.groupsAre === 'space' ? { creation_content: { type: 'm.space' } } : {}),
  };
  try {
    const made = await client.exchange(
      { method: 'POST', path: '/_matrix/client/v3/createRoom', body, answer: NewRoom },
      call,
    );
    return made.room_id;
  } catch (error) {
    const other = error instanceof Conflict ? await findRoom(client, group, call) : undefined;
    if (other === undefined) throw error;
    return other.room_id;
  }
}

export async function renameRoom(
  client: MatrixClient,
  roomId: string,
  { name, call }: { name: string; call: CallContext },
): Promise<void> {
  const where = path`/_matrix/client/v3/rooms/${roomId}/state/m.room.name`;
  await client.write({ method: 'PUT', path: where, body: { name } }, call);
}

/** Joins and leaves, one request each. Rooms that are not managed are never touched, nor is an invitation to one. */
export async function writeRooms(
  client: MatrixClient,
  { userId, groups }: { readonly userId: string; readonly groups: ManagedGroups },
  call: CallContext,
): Promise<WriteOutcome> {
  const where = path`/_synapse/admin/v1/users/${userId}/joined_rooms`;
  const joined = new Set((await client.read(where, { answer: JoinedRooms }, call)).joined_rooms);
  const wanted = new Set(groups.wanted.map(({ remoteId }) => remoteId));
  const joins = [...wanted].filter((roomId) => !joined.has(roomId));
  const leaves = groups.managed.map(({ remoteId }) => remoteId).filter((id) => joined.has(id) && !wanted.has(id));
  for (const roomId of joins) await join(client, { userId, roomId }, call);
  for (const roomId of new Set(leaves)) await kick(client, { userId, roomId }, call);
  return joins.length + leaves.length === 0 ? 'unchanged' : 'done';
}

interface Membership {
  readonly userId: string;
  readonly roomId: string;
}

/** Without asking the person: the administrator must be in the room and may invite (Synapse, "Edit Room Membership API"). */
async function join(client: MatrixClient, { userId, roomId }: Membership, call: CallContext): Promise<void> {
  const where = path`/_synapse/admin/v1/join/${roomId}`;
  try {
    await client.write({ method: 'POST', path: where, body: { user_id: userId } }, call);
  } catch (error) {
    if (error instanceof Gone) {
      throw new Gone('A room is not there any more.', { what: 'group', remoteId: roomId, code: 'room-gone' });
    }
    throw oneRoomOnly(error);
  }
}

async function kick(client: MatrixClient, { userId, roomId }: Membership, call: CallContext): Promise<void> {
  const where = path`/_matrix/client/v3/rooms/${roomId}/kick`;
  const body = { user_id: userId, reason: 'No longer a member of this group.' };
  try {
    await client.write({ method: 'POST', path: where, body }, call);
  } catch (error) {
    if (!(error instanceof Gone)) throw oneRoomOnly(error);
  }
}

/** 403 here is about one room, in which our administrator has too little power: it must not stop the service. */
function oneRoomOnly(error: unknown): unknown {
  if (!(error instanceof Misconfigured) || error.code !== 'http-403') return error;
  return new Rejected('In one of the rooms the administrator may not invite or remove this person.', {
    code: 'room-power',
    cause: error,
  });
}

/** Aliases have no `:`; a dot separates the parts. */
function escape(text: string): string {
  return encodeURIComponent(text).replaceAll('.', '%2E').replaceAll('%', '=');
}

function unescape(text: string): string {
  return decodeURIComponent(text.replaceAll('=', '%'));
}
