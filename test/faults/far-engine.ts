import { waitFor } from '../../runtime/wait-for';
import type { RecordedChange } from '../../store/changes';
import { addGrant } from '../../store/grants';
import { addMembers, createGroup } from '../../store/groups';
import type { ServiceRecord } from '../../store/services';
import { stateIdByName } from '../../store/states';
import { createUser } from '../../store/users';
import { startTestEngine } from '../engine/engine';
import type { NewTestService, TestEngine } from '../engine/engine';
import { FarSide } from './far-side';
import type { FarSideOptions } from './far-side';
import { BY, untilAtRest } from './harness';

/** What a write of the store answers. */
export interface Sendable {
  readonly change: RecordedChange | undefined;
}

/** A Muster in this process in front of a far side that can be watched and held. */
export interface FarEngine {
  readonly engine: TestEngine;
  readonly far: FarSide;
  readonly service: ServiceRecord;
  /** Sends committed changes on their way, all at once. */
  send(...written: readonly Sendable[]): Promise<void>;
  /** Waits until nothing is due any more. */
  rest(): Promise<void>;
  /** A person in the state Member, with their account. */
  addMember(username: string): Promise<string>;
  /** Puts a person into new groups: one committed change each, not yet sent. */
  joinNewGroups(userId: string, names: readonly string[]): Promise<readonly Sendable[]>;
  close(): Promise<void>;
}

export interface FarEngineOptions extends FarSideOptions {
  readonly service?: Partial<NewTestService>;
  /** SQL that breaks a rule on purpose, for negative controls. */
  readonly sabotage?: string;
  readonly callTimeoutMs?: number;
}

const REST_MS = 30_000;

export async function startFarEngine(options: FarEngineOptions = {}): Promise<FarEngine> {
  const far = new FarSide(options);
  const engine = await startTestEngine({
    registry: far.registry,
    ...(options.callTimeoutMs === undefined ? {} : { callTimeoutMs: options.callTimeoutMs }),
  });
  if (options.sabotage !== undefined) await engine.db.query(options.sabotage);
  const service = await engine.addService({ name: 'far', connector: 'far', ...options.service });
  const send = async (...written: readonly Sendable[]): Promise<void> => {
    const changes = written.flatMap(({ change }) => change ?? []);
    await Promise.all(changes.map((change) => engine.flow.changed(change.changeId)));
  };
  const rest = async (): Promise<void> => {
    const unrest = await untilAtRest(engine, REST_MS);
    if (unrest.length > 0) throw new Error(`Muster does not come to rest: ${unrest.join('; ')}`);
  };
  const member = await stateIdByName(engine.db, 'Member');
  await send(await addGrant(engine.db, { serviceId: service.id, subject: { kind: 'state', id: member } }, BY));
  await rest();
  return {
    engine,
    far,
    service,
    send,
    rest,
    addMember: async (username) => {
      const written = await createUser(engine.db, { username, state: 'Member' }, BY);
      await send(written);
      await rest();
      return written.record.id;
    },
    joinNewGroups: async (userId, names) =>
      (await Promise.all(names.map((name) => joinNewGroup(engine, userId, name)))).flat(),
    close: () => engine.close(),
  };
}

async function joinNewGroup(engine: TestEngine, userId: string, name: string): Promise<readonly Sendable[]> {
  const group = await createGroup(engine.db, name, BY);
  return [group, await addMembers(engine.db, { groupId: group.record.id, userIds: [userId], by: BY })];
}

/** Waits for something that comes about without anybody telling. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const held = await waitFor(REST_MS, async () => ((await holds()) ? true : undefined));
  if (held === undefined) throw new Error(`It never came about: ${what}`);
}
