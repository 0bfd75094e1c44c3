import assert from 'node:assert/strict';
import type { AccountRef } from '../manager';
import { FAULT_TOO_EARLY } from './bench';
import type { Bench } from './bench';
import type { Check } from './check';

const BY_ACCOUNT = { membership: 'by account', needs: ['createAccount', 'ensureGroup', 'setGroups'] } as const;
const BY_GROUP = { membership: 'by group', needs: ['createAccount', 'ensureGroup', 'changeMembers'] } as const;

/** What a manager of groups must do: the wanted set, unmanaged groups kept, absent against empty. */
export const groupChecks: readonly Check[] = [
  { title: 'ensuring a group twice leaves one group', needs: ['ensureGroup'], run: ensureTwice },
  { title: 'a lost answer after making a group leaves exactly one', needs: ['ensureGroup'], run: lostEnsure },
  { title: 'a group name taken by a foreigner is a conflict', needs: ['ensureGroup'], run: foreignGroup },
  { title: 'renaming a group keeps its identity', needs: ['ensureGroup', 'renameGroup'], run: renameGroup },
  {
    title: 'removing a group twice finds nothing the second time',
    needs: ['ensureGroup', 'removeGroup'],
    run: removeTwice,
  },
  { title: 'the managed groups become exactly the wanted ones', ...BY_ACCOUNT, run: exactSet },
  { title: 'an empty set clears, an unmanaged one changes nothing', ...BY_ACCOUNT, run: absentAndEmpty },
  { title: 'groups that are not managed are kept', ...BY_ACCOUNT, run: unmanagedKept },
  { title: 'a lost answer after setting groups ends in the same set', ...BY_ACCOUNT, run: lostSet },
  {
    title: 'a wanted group that is gone is told',
    membership: 'by account',
    needs: [...BY_ACCOUNT.needs, 'removeGroup'],
    run: goneGroup,
  },
  { title: 'adding and removing members may run twice', ...BY_GROUP, run: membersTwice },
  { title: 'two who join one group at once are both in it', ...BY_GROUP, run: joinAtOnce },
  { title: 'two accounts that enter one group at once are both in it', ...BY_ACCOUNT, run: enterAtOnce },
];

async function ensureTwice(bench: Bench): Promise<void> {
  const group = bench.newGroup();

  const first = await bench.manager.ensureGroup(group, bench.call());
  const second = await bench.manager.ensureGroup(group, bench.call());

  assert.deepEqual([first.outcome, second.outcome], ['created', 'already existed']);
  assert.equal(second.remoteId, first.remoteId);
  assert.equal(await countGroups(bench, group.name), 1);
}

async function lostEnsure(bench: Bench): Promise<void> {
  const group = bench.newGroup();
  bench.target.loseNextAnswer();

  await bench.failure(bench.manager.ensureGroup(group, bench.call()), 'unavailable');
  assert.equal(await countGroups(bench, group.name), 1, FAULT_TOO_EARLY);
  await bench.manager.ensureGroup(group, bench.call());

  assert.equal(await countGroups(bench, group.name), 1);
}

async function foreignGroup(bench: Bench): Promise<void> {
  const foreign = await bench.farSide.plantGroup(bench.name('f', bench.connector.groupNames));

  await bench.failure(bench.manager.ensureGroup(bench.newGroup(foreign.name), bench.call()), 'conflict');

  assert.deepEqual(await bench.groupSeen(foreign.remoteId), foreign);
}

async function renameGroup(bench: Bench): Promise<void> {
  const group = bench.newGroup();
  const ref = await bench.ensure(group);
  const name = bench.name('r', bench.connector.groupNames);

  assert.equal(await bench.manager.renameGroup(ref, name, bench.call()), 'done');
  assert.notEqual(await bench.manager.renameGroup(ref, name, bench.call()), 'gone');

  assert.equal((await bench.groupSeen(ref.remoteId))?.name, name);
  assert.equal(
    (await bench.ensure({ ...group, name })).remoteId,
    ref.remoteId,
    'after a rename the key still finds the group',
  );
}

async function removeTwice(bench: Bench): Promise<void> {
  const ref = await bench.ensure();

  assert.equal(await bench.manager.removeGroup(ref, bench.call()), 'done');
  assert.equal(await bench.manager.removeGroup(ref, bench.call()), 'nothing there');

  assert.equal(await bench.groupSeen(ref.remoteId), undefined);
}

async function exactSet(bench: Bench): Promise<void> {
  const ref = await bench.create();
  const [a, b, c] = await Promise.all([bench.ensure(), bench.ensure(), bench.ensure()]);
  const managed = [a, b, c];

  assert.equal(await bench.manager.setGroups(ref, { wanted: [a, b], managed }, bench.call()), 'done');
  await expectGroups(bench, ref, [a.remoteId, b.remoteId]);
  assert.equal(await bench.manager.setGroups(ref, { wanted: [b, c], managed }, bench.call()), 'done');
  await expectGroups(bench, ref, [b.remoteId, c.remoteId]);
  assert.notEqual(await bench.manager.setGroups(ref, { wanted: [c, b], managed }, bench.call()), 'gone');
  await expectGroups(bench, ref, [b.remoteId, c.remoteId]);
}

async function absentAndEmpty(bench: Bench): Promise<void> {
  const ref = await bench.create();
  const group = await bench.ensure();
  await bench.manager.setGroups(ref, { wanted: [group], managed: [group] }, bench.call());

  await bench.manager.setGroups(ref, { wanted: [], managed: [] }, bench.call());
  await expectGroups(bench, ref, [group.remoteId]);
  await bench.manager.setGroups(ref, { wanted: [], managed: [group] }, bench.call());
  await expectGroups(bench, ref, []);
}

async function unmanagedKept(bench: Bench): Promise<void> {
  const ref = await bench.create();
  const ours = await bench.ensure();
  const foreign = await bench.farSide.plantGroup(bench.name('f', bench.connector.groupNames));
  const account = await bench.seen(ref.remoteId);
  assert(account !== undefined);
  await bench.farSide.join(account, foreign);

  await bench.manager.setGroups(ref, { wanted: [ours], managed: [ours] }, bench.call());
  await expectGroups(bench, ref, [ours.remoteId, foreign.remoteId]);
  await bench.manager.setGroups(ref, { wanted: [], managed: [ours] }, bench.call());
  await expectGroups(bench, ref, [foreign.remoteId]);
}

async function lostSet(bench: Bench): Promise<void> {
  const ref = await bench.create();
  const group = await bench.ensure();
  const groups = { wanted: [group], managed: [group] };
  bench.target.loseNextAnswer();

  await bench.failure(bench.manager.setGroups(ref, groups, bench.call()), 'unavailable');
  assert.deepEqual((await bench.seen(ref.remoteId))?.groups, [group.remoteId], FAULT_TOO_EARLY);
  await bench.manager.setGroups(ref, groups, bench.call());

  await expectGroups(bench, ref, [group.remoteId]);
}

async function goneGroup(bench: Bench): Promise<void> {
  const ref = await bench.create();
  const group = await bench.ensure();
  await bench.manager.removeGroup(group, bench.call());

  const setting = bench.manager.setGroups(ref, { wanted: [group], managed: [group] }, bench.call());
  const error = await bench.failure(setting, 'gone');

  assert(
    error.kind === 'gone' && error.what === 'group',
    'Gone must say what: "group", else the account counts as gone',
  );
}

async function membersTwice(bench: Bench): Promise<void> {
  const ref = await bench.create();
  const group = await bench.ensure();

  for (const change of [
    { add: [ref], remove: [] },
    { add: [], remove: [ref] },
  ]) {
    assert.notEqual(await bench.manager.changeMembers(group, change, bench.call()), 'gone');
    assert.notEqual(await bench.manager.changeMembers(group, change, bench.call()), 'gone');
    await expectGroups(bench, ref, change.add.length > 0 ? [group.remoteId] : []);
  }
}

async function joinAtOnce(bench: Bench): Promise<void> {
  const [one, other] = [await bench.create(), await bench.create()];
  const group = await bench.ensure();

  await bothAtOnce(bench, [one, other], (ref) =>
    bench.manager.changeMembers(group, { add: [ref], remove: [] }, bench.call()),
  );

  for (const ref of [one, other]) await expectGroups(bench, ref, [group.remoteId]);
}

async function enterAtOnce(bench: Bench): Promise<void> {
  const [one, other] = [await bench.create(), await bench.create()];
  const group = await bench.ensure();

  await bothAtOnce(bench, [one, other], (ref) =>
    bench.manager.setGroups(ref, { wanted: [group], managed: [group] }, bench.call()),
  );

  for (const ref of [one, other]) await expectGroups(bench, ref, [group.remoteId]);
}

/** Who is overtaken may say so (and is tried again), but what was said to be done is done. */
async function bothAtOnce(
  bench: Bench,
  refs: readonly AccountRef[],
  write: (ref: AccountRef) => Promise<unknown>,
): Promise<void> {
  const settled = await Promise.allSettled(refs.map(write));
  for (const [index, outcome] of settled.entries()) {
    const ref = refs[index];
    if (outcome.status === 'fulfilled' || ref === undefined) continue;
    await bench.failure(Promise.reject(outcome.reason), 'unavailable');
    await write(ref);
  }
}

async function expectGroups(bench: Bench, ref: AccountRef, expected: readonly string[]): Promise<void> {
  const seen = await bench.seen(ref.remoteId);
  assert.deepEqual([...(seen?.groups ?? [])].sort(), [...expected].sort());
}

async function countGroups(bench: Bench, name: string): Promise<number> {
  return (await bench.farSide.groups()).filter((group) => group.name === name).length;
}
