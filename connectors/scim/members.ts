import { Gone, Rejected, Unavailable, isServiceError, path } from '@muster/sdk';
import type { CallContext, MemberChange, WriteOutcome } from '@muster/sdk';
import { patchMessage } from './attributes';
import type { ScimClient } from './client';
import type { Features } from './discovery';
import { BulkAnswer } from './schema';
import type { ScimGroup } from './schema';

const MEMBERS_PER_REQUEST = 100;
/** What a bulk request has around its operations, generously. */
const ENVELOPE_BYTES = 200;
const BULK_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

/** A group, who joins and leaves it, and how its server wants to be written to. */
export interface MemberWriting {
  readonly group: ScimGroup;
  readonly change: MemberChange;
  readonly features: Features;
  /** Default 100. */
  readonly membersPerRequest: number | undefined;
}

/**
 * Adds and removes members. By PATCH only the differences are sent, so that two changes at once do not undo each other;
 * by PUT the whole list, tied to the version that was read. Both may run twice.
 */
export async function writeMembers(
  client: ScimClient,
  writing: MemberWriting,
  call: CallContext,
): Promise<WriteOutcome> {
  const { group, features } = writing;
  const present = new Set((group.members ?? []).map(({ value }) => value));
  const add = idsOf(writing.change.add).filter((id) => !present.has(id));
  // A server that shows no members at all may still have them (goauthentik#23005): then every leaver is named.
  const isBlind = group.members === undefined || group.members.length === 0;
  const remove = idsOf(writing.change.remove).filter((id) => isBlind || present.has(id));
  if (add.length + remove.length === 0) return 'unchanged';
  if (features.write === 'put') return replaceMembers(client, { ...writing, add, remove }, call);
  const size = writing.membersPerRequest ?? MEMBERS_PER_REQUEST;
  const patches = chunks(add, size).map((ids) => patchMessage([adding(ids)]));
  if (!isBlind) patches.push(...chunks(remove, size).map((ids) => patchMessage(ids.map(removing))));
  await sendAll(client, { group, patches, features }, call);
  if (isBlind) await removeUnseen(client, group, { ids: remove, call });
  return 'done';
}

function idsOf(refs: MemberChange['add']): readonly string[] {
  return [...new Set(refs.map(({ remoteId }) => remoteId))];
}

function adding(ids: readonly string[]): object {
  return { op: 'add', path: 'members', value: ids.map((value) => ({ value })) };
}

function removing(id: string): object {
  return { op: 'remove', path: `members[value eq ${JSON.stringify(id)}]` };
}

async function replaceMembers(
  client: ScimClient,
  writing: MemberWriting & { readonly add: readonly string[]; readonly remove: readonly string[] },
  call: CallContext,
): Promise<WriteOutcome> {
  const { group, features, add, remove } = writing;
  const { meta, members, ...kept } = group;
  const staying = (members ?? []).filter(({ value }) => !remove.includes(value));
  const body = { ...kept, members: [...staying, ...add.map((value) => ({ value }))] };
  const version = features.etag ? meta?.version : undefined;
  await client.write({ method: 'PUT', path: path`/Groups/${group.id}`, body, version }, call);
  return 'done';
}

interface Patches {
  readonly group: ScimGroup;
  readonly patches: readonly object[];
  readonly features: Features;
}

/** As few requests as the server's limits for bulk operations allow (RFC 7644 3.7). */
async function sendAll(client: ScimClient, { group, patches, features }: Patches, call: CallContext): Promise<void> {
  const operations = patches.map((data) => ({ method: 'PATCH', path: path`/Groups/${group.id}`.text, data }));
  const size = Math.min(operations.length, operationsInBulk(operations, features));
  if (size < 2) {
    for (const body of patches) await client.write({ method: 'PATCH', path: path`/Groups/${group.id}`, body }, call);
    return;
  }
  for (const Operations of chunks(operations, size)) {
    const body = { schemas: [BULK_SCHEMA], failOnErrors: 1, Operations };
    const answer = await client.exchange({ method: 'POST', path: '/Bulk', body, answer: BulkAnswer }, call);
    for (const { status } of answer.Operations) throwUnlessDone(Number(status), group.id);
    if (answer.Operations.length < Operations.length) {
      throw new Unavailable('POST /Bulk: not every operation was answered.', { code: 'bulk-cut' });
    }
  }
}

function operationsInBulk(operations: readonly object[], { bulk }: Features): number {
  if (bulk === undefined) return 1;
  const largest = Math.max(...operations.map((operation) => Buffer.byteLength(JSON.stringify(operation)) + 1));
  return Math.min(bulk.maxOperations, Math.floor((bulk.maxPayloadBytes - ENVELOPE_BYTES) / largest));
}

/** One at a time: RFC 7644 3.5.2.2 lets a server refuse to remove somebody who is not there, and with them all the others. */
async function removeUnseen(
  client: ScimClient,
  group: ScimGroup,
  { ids, call }: { readonly ids: readonly string[]; readonly call: CallContext },
): Promise<void> {
  for (const id of ids) {
    const body = patchMessage([removing(id)]);
    await client.write({ method: 'PATCH', path: path`/Groups/${group.id}`, body }, call).catch((error: unknown) => {
      if (!(isServiceError(error) && error.code === 'scim-noTarget')) throw error;
    });
  }
}

function throwUnlessDone(status: number, remoteId: string): void {
  if (status >= 200 && status < 300) return;
  const options = { code: `bulk-${status}` };
  if (status === 404)
    throw new Gone('POST /Bulk: the group is not there any more.', { ...options, what: 'group', remoteId });
  if (status >= 400 && status < 500 && status !== 429 && status !== 412) {
    throw new Rejected(`POST /Bulk: the server refuses a change of members (${status}).`, options);
  }
  throw new Unavailable(`POST /Bulk: the server could not change the members (${status}).`, options);
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += size) parts.push(items.slice(from, from + size));
  return parts;
}
