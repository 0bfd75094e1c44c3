import { Secret } from '@muster/sdk';
import { newPassword } from '../../config/new-password';
import { passwordPurpose } from '../../config/service-secrets';
import { requestAccount } from '../../store/account-requests';
import { addMembers, createGroup, removeMembers } from '../../store/groups';
import type { ServiceRecord } from '../../store/services';
import { createUser, deleteUser, updateUser } from '../../store/users';
import type { MusterUnderFault } from './harness';
import { BY } from './harness';

/** What happens to a person when the worker is cut. */
export type Act = keyof typeof ACTS;

/** One cut: the act, and the place where the worker that does it is killed. */
export interface Cut {
  readonly act: Act;
  readonly at: string;
}

/** The person of one cut. */
export interface Person {
  readonly id: string;
  readonly name: string;
}

export interface Scene {
  readonly muster: MusterUnderFault;
  /** Removes who loses it; for everybody in the state Member. */
  readonly remover: ServiceRecord;
  /** Disables who loses it; for everybody in the state Blue. */
  readonly disabler: ServiceRecord;
}

/** What was committed, and how to tell Muster of it as the API does. */
export interface Committed {
  readonly operations: readonly string[];
  readonly tell: () => Promise<void>;
}

/** What the target must show of the person in the end; null: nothing. */
export type Wanted = {
  readonly name: string;
  readonly login: boolean;
  readonly groups: readonly string[];
  readonly password?: Secret;
} | null;

interface ActRow {
  /** What the person has before: `null` = they do not exist yet. */
  readonly before: null | { readonly state: 'Member' | 'Blue'; readonly group?: boolean; readonly disabled?: boolean };
  readonly commit: (scene: Scene, person: Person) => Promise<Committed>;
  readonly wanted: (person: Person) => Wanted;
}

export const PILOTS = 'pilots';

/** Chosen before the worker dies, claimed by a log-in afterwards. */
const passwords = new Map<string, Secret>();

export const ACTS = {
  join: {
    before: null,
    commit: (_scene, person) => Promise.reject(new Error(`${person.name} is made by the cut itself`)),
    wanted: ({ name }) => ({ name, login: true, groups: [] }),
  },
  'join a new group': {
    before: { state: 'Member' },
    commit: async (scene, { id, name }) => {
      const group = await createGroup(scene.muster.engine.db, `crew of ${name}`, BY);
      const joined = await addMembers(scene.muster.engine.db, { groupId: group.record.id, userIds: [id], by: BY });
      return both(changeOf(scene, group), changeOf(scene, joined));
    },
    wanted: ({ name }) => ({ name, login: true, groups: [`crew of ${name}`] }),
  },
  'leave a group': {
    before: { state: 'Member', group: true },
    commit: async (scene, { id }) => {
      const { db } = scene.muster.engine;
      const group = await db.query<{ id: string }>(`select id from groups where name = $1`, [PILOTS]);
      return changeOf(scene, await removeMembers(db, { groupId: group.rows[0]?.id ?? '', userIds: [id], by: BY }));
    },
    wanted: ({ name }) => ({ name, login: true, groups: [] }),
  },
  'be renamed': {
    before: { state: 'Member', group: true },
    commit: async (scene, { id, name }) =>
      changeOf(scene, await updateUser(scene.muster.engine.db, id, { fields: { username: `${name}-new` }, by: BY })),
    wanted: ({ name }) => ({ name: `${name}-new`, login: true, groups: [PILOTS] }),
  },
  'choose a password': {
    before: { state: 'Member' },
    commit: choosePassword,
    wanted: ({ id, name }) => {
      const password = passwords.get(id);
      return { name, login: true, groups: [], ...(password === undefined ? {} : { password }) };
    },
  },
  leave: {
    before: { state: 'Member', group: true },
    commit: async (scene, { id }) =>
      changeOf(scene, await updateUser(scene.muster.engine.db, id, { fields: { active: false }, by: BY })),
    wanted: () => null,
  },
  'be deleted': {
    before: { state: 'Member', group: true },
    commit: async (scene, { id }) => changeOf(scene, await deleteUser(scene.muster.engine.db, id, BY)),
    wanted: () => null,
  },
  'pause their membership': {
    before: { state: 'Blue' },
    commit: async (scene, { id }) =>
      changeOf(scene, await updateUser(scene.muster.engine.db, id, { fields: { active: false }, by: BY })),
    wanted: ({ name }) => ({ name, login: false, groups: [] }),
  },
  'come back': {
    before: { state: 'Blue', disabled: true },
    commit: async (scene, { id }) =>
      changeOf(scene, await updateUser(scene.muster.engine.db, id, { fields: { active: true }, by: BY })),
    wanted: ({ name }) => ({ name, login: true, groups: [] }),
  },
} as const satisfies Readonly<Record<string, ActRow>>;

/** The same table, seen as rows. */
export function rowOf(act: Act): ActRow {
  return ACTS[act];
}

/** The person of a cut whose act is `join`: committed, and nobody was told. */
export async function join(scene: Scene, name: string): Promise<Person & Committed> {
  const written = await createUser(scene.muster.engine.db, { username: name, state: 'Member' }, BY);
  return { id: written.record.id, name, ...changeOf(scene, written) };
}

function changeOf(scene: Scene, written: Parameters<MusterUnderFault['send']>[0]): Committed {
  if (written.change === undefined) throw new Error('nothing was altered');
  return { operations: [written.change.operationId], tell: () => scene.muster.send(written) };
}

function both(first: Committed, second: Committed): Committed {
  return {
    operations: [...first.operations, ...second.operations],
    tell: async () => {
      await first.tell();
      await second.tell();
    },
  };
}

async function choosePassword({ muster, remover }: Scene, { id }: Person): Promise<Committed> {
  const { engine } = muster;
  const secret = new Secret(newPassword());
  passwords.set(id, secret);
  const sealed = engine.sealer.seal(secret.reveal(), passwordPurpose(remover.id, id));
  const request = {
    serviceId: remover.id,
    userId: id,
    kind: 'setPassword',
    actor: BY.actor,
    password: { sealed, generated: false },
  } as const;
  const { operationId } = await requestAccount(engine.db, request);
  return { operations: [operationId], tell: () => engine.flow.accountDue(remover.id, id) };
}
