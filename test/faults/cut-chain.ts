import { addMembers, createGroup } from '../../store/groups';
import { createUser, updateUser } from '../../store/users';
import { join, PILOTS, rowOf } from './cuts';
import type { Cut, Person, Scene, Wanted } from './cuts';
import { BY, outcomeOf, startMuster, untilAtRest } from './harness';
import type { Witnessed } from './witness';

/** What became of one cut. */
export interface CutResult {
  readonly cut: Cut;
  readonly person: Person;
  /** How the worker with the failpoint ended. */
  readonly death: string;
  readonly operations: readonly (string | undefined)[];
  readonly wanted: Wanted;
  /** The person's roles on the target, over both services. */
  readonly found: readonly Witnessed[];
  /** `ok`, or why they could not log in; undefined where no password was set. */
  readonly login: string | undefined;
  /** Names that the account still holds. */
  readonly names: readonly string[];
  readonly notices: number;
}

export interface ChainResult {
  readonly cuts: readonly CutResult[];
  /** What is still due, held or waiting in the end. */
  readonly unrest: readonly string[];
  /** Roles that carry nobody's key of this chain. */
  readonly strangers: readonly Witnessed[];
}

const DEATH_MS = 30_000;
const REST_MS = 60_000;

/**
 * Runs cuts one after the other in one Muster, each with a person of its own: commit, start a worker that dies at the place
 * (for this person only), tell. The next worker takes up what the dead one left, and the last one ends it all.
 */
export async function runChain(cuts: readonly Cut[]): Promise<ChainResult> {
  const muster = await startMuster();
  try {
    const remover = await muster.addPostgres('remover', 'Member');
    const disabler = await muster.addPostgres('disabler', 'Blue', { onLoss: 'disable' });
    const scene: Scene = { muster, remover, disabler };
    const people = await prepare(scene, cuts);
    const done = [];
    for (const [index, cut] of cuts.entries())
      done.push(await perform(scene, cut, people[index] ?? nameOf(cut, index)));
    const last = await muster.startWorker();
    const unrest = await untilAtRest(muster.engine, REST_MS);
    const result = { cuts: await judge(scene, done), unrest, strangers: await strangers(scene, done) };
    await last.kill();
    return result;
  } finally {
    await muster.close();
  }
}

function nameOf(cut: Cut, index: number): string {
  return `p${index}-${cut.act.replaceAll(' ', '-')}`;
}

/** Brings everybody who is to be there before the first cut to the state that their act needs. */
async function prepare(scene: Scene, cuts: readonly Cut[]): Promise<readonly (Person | undefined)[]> {
  const { muster } = scene;
  const { db } = muster.engine;
  const pilots = await createGroup(db, PILOTS, BY);
  await muster.send(pilots);
  const people: (Person | undefined)[] = [];
  for (const [index, cut] of cuts.entries()) {
    const { before } = rowOf(cut.act);
    people.push(
      before === null
        ? undefined
        : await introduce(scene, nameOf(cut, index), { ...before, groupId: pilots.record.id }),
    );
  }
  const worker = await muster.startWorker();
  await rest(scene);
  for (const [index, cut] of cuts.entries()) {
    const person = people[index];
    if (person === undefined || rowOf(cut.act).before?.disabled !== true) continue;
    await muster.send(await updateUser(db, person.id, { fields: { active: false }, by: BY }));
  }
  await rest(scene);
  await worker.kill();
  return people;
}

async function rest(scene: Scene): Promise<void> {
  const unrest = await untilAtRest(scene.muster.engine, REST_MS);
  if (unrest.length > 0) throw new Error(`The preparation did not come to rest: ${unrest.join('; ')}`);
}

async function introduce(
  { muster }: Scene,
  name: string,
  as: { readonly state: string; readonly group?: boolean; readonly groupId: string },
): Promise<Person> {
  const { db } = muster.engine;
  const written = await createUser(db, { username: name, state: as.state }, BY);
  if (as.group === true)
    await muster.send(await addMembers(db, { groupId: as.groupId, userIds: [written.record.id], by: BY }));
  await muster.send(written);
  return { id: written.record.id, name };
}

interface Performed {
  readonly cut: Cut;
  readonly person: Person;
  readonly death: string;
  readonly operations: readonly string[];
}

async function perform(scene: Scene, cut: Cut, who: Person | string): Promise<Performed> {
  const joined = typeof who === 'string' ? await join(scene, who) : undefined;
  const person = joined ?? (who as Person);
  const committed = joined ?? (await rowOf(cut.act).commit(scene, person));
  // A group is nobody's: its place is not told apart by person.
  const place = cut.at.startsWith('group:') ? cut.at : `${cut.at}@${person.id}`;
  const worker = await scene.muster.startWorker(place);
  await committed.tell();
  const death = await worker.deathWithin(DEATH_MS);
  return { cut, person, death, operations: committed.operations };
}

async function judge(scene: Scene, done: readonly Performed[]): Promise<readonly CutResult[]> {
  const all = await everybody(scene);
  const results: CutResult[] = [];
  for (const { cut, person, death, operations } of done) {
    const wanted = rowOf(cut.act).wanted(person);
    results.push({
      cut,
      person,
      death,
      wanted,
      operations: await Promise.all(operations.map((id) => outcomeOf(scene.muster.engine, id))),
      found: all.filter((role) => role.userId === person.id),
      login: await logIn(scene, wanted),
      ...(await booksOf(scene, person)),
    });
  }
  return results;
}

async function everybody({ muster, remover, disabler }: Scene): Promise<readonly Witnessed[]> {
  return [...(await muster.witness(remover)), ...(await muster.witness(disabler))];
}

async function strangers(scene: Scene, done: readonly Performed[]): Promise<readonly Witnessed[]> {
  const known = new Set(done.map(({ person }) => person.id));
  return (await everybody(scene)).filter((role) => !known.has(role.userId));
}

async function logIn({ muster }: Scene, wanted: Wanted): Promise<string | undefined> {
  if (wanted?.password === undefined) return undefined;
  try {
    const session = await muster.target.login(`${muster.target.tag}_remover_${wanted.name}`, wanted.password.reveal());
    await session.end();
    return 'ok';
  } catch (error) {
    return String(error);
  }
}

async function booksOf(
  { muster }: Scene,
  person: Person,
): Promise<{ readonly names: readonly string[]; readonly notices: number }> {
  const { db } = muster.engine;
  const names = await db.query<{ name: string }>(`select name from account_names where user_id = $1 order by 1`, [
    person.id,
  ]);
  const notices = await db.query<{ count: number }>(`select count(*) from notifications where user_id = $1`, [
    person.id,
  ]);
  return { names: names.rows.map((row) => row.name), notices: notices.rows[0]?.count ?? 0 };
}
