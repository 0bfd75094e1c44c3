import { createHash } from 'node:crypto';
import { Conflict, Rejected } from '@muster/sdk';
import type {
  CallContext,
  DeleteOutcome,
  EnsureGroupOutcome,
  GroupRef,
  NewGroup,
  Page,
  RemoteGroup,
  WriteOutcome,
} from '@muster/sdk';
import type { EjabberdApi, SharedGroup } from './api';
import { groupLabels } from './names';

const PAGE = 100;

/** Shared roster groups. The id of a group is made from our key, its description is the key, its label the name. */
export class SharedGroups {
  readonly #api: EjabberdApi;

  constructor(api: EjabberdApi) {
    this.#api = api;
  }

  async ensure({ key, owner, name }: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    requireLabel(name);
    const description = keyText({ key, owner });
    const id = `muster-${createHash('sha256').update(description).digest('hex').slice(0, 32)}`;
    const found = await this.#api.group(id, call);
    if (found !== undefined && found.description !== description) {
      throw new Conflict('The server has another group of this id.', { code: 'id-taken' });
    }
    if (found?.label !== name) await this.#api.saveGroup(id, { label: name, description }, call);
    return { outcome: found === undefined ? 'created' : 'already existed', remoteId: id, name };
  }

  async rename(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    const group = await this.own(ref, call);
    if (group === undefined) return 'gone';
    if (group.label === name) return 'unchanged';
    requireLabel(name);
    await this.#api.saveGroup(ref.remoteId, { ...group, label: name }, call);
    return 'done';
  }

  async remove(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    if ((await this.own(ref, call)) === undefined) return 'nothing there';
    await this.#api.deleteGroup(ref.remoteId, call);
    return 'done';
  }

  /** The group, if it is there and carries a key of ours. */
  async own(ref: GroupRef, call: CallContext): Promise<SharedGroup | undefined> {
    const group = await this.#api.group(ref.remoteId, call);
    const key = group === undefined ? undefined : parseKey(group.description);
    const isOther = (ref.key ?? key?.key) !== key?.key || (ref.owner ?? key?.owner) !== key?.owner;
    return key === undefined || isOther ? undefined : group;
  }

  async list(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    const ids = [...(await this.#api.groups(call))].sort().filter((id) => cursor === undefined || id > cursor);
    const items: RemoteGroup[] = [];
    for (const remoteId of ids.slice(0, PAGE)) {
      const group = await this.#api.group(remoteId, call);
      if (group !== undefined) items.push({ remoteId, name: group.label, ...parseKey(group.description) });
    }
    const next = ids.length > PAGE ? ids[PAGE - 1] : undefined;
    return { items, ...(next === undefined ? {} : { next }) };
  }
}

function requireLabel(name: string): void {
  if (name === '' || Array.from(name).length > groupLabels.maxLength || groupLabels.clean(name) !== name) {
    throw new Rejected('The server would not keep this label as it is.', { code: 'name-characters' });
  }
}

function keyText({ key, owner }: Pick<NewGroup, 'key' | 'owner'>): string {
  return `muster:${owner}:group:${key}`;
}

function parseKey(text: string): Pick<NewGroup, 'key' | 'owner'> | undefined {
  const [, owner, key] = /^muster:(.+):group:([^:]+)$/.exec(text) ?? [];
  return owner === undefined || key === undefined ? undefined : { key, owner };
}
