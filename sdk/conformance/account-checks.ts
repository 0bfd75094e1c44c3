import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Secret } from '../manager';
import type { AccountRef, WriteOutcome } from '../manager';
import { FAULT_TOO_EARLY } from './bench';
import type { Bench } from './bench';
import type { Check } from './check';

/** What every manager of accounts must do, one check for each promise of the contract. */
export const accountChecks: readonly Check[] = [
  { title: 'creating twice leaves one account', needs: ['createAccount'], run: createTwice },
  { title: 'a lost answer after creating leaves exactly one account', needs: ['createAccount'], run: lostCreate },
  {
    title: 'a name taken by a foreigner is a conflict and the foreigner stays',
    needs: ['createAccount'],
    run: foreignName,
  },
  { title: 'a key of another owner is never adopted', needs: ['createAccount', 'findAccount'], run: foreignOwner },
  {
    title: 'an account without a key can be adopted, twice, and only it gets our key',
    needs: ['adoptAccount', 'findAccount'],
    run: adopt,
  },
  {
    title: 'an account with the key of another is never adopted',
    needs: ['adoptAccount', 'createAccount'],
    run: adoptForeign,
  },
  { title: 'names that it cannot take are rejected', needs: ['createAccount'], run: impossibleNames },
  { title: 'an account is found by its key alone', needs: ['createAccount', 'findAccount'], run: findByKey },
  { title: 'an update renames and keeps the identity', needs: ['createAccount', 'updateAccount'], run: rename },
  {
    title: 'disabling and enabling may each run twice',
    needs: ['createAccount', 'disableAccount', 'enableAccount'],
    run: disableTwice,
  },
  {
    title: 'deleting twice finds nothing the second time',
    needs: ['createAccount', 'deleteAccount'],
    run: deleteTwice,
  },
  {
    title: 'a lost answer after deleting ends in nothing there',
    needs: ['createAccount', 'deleteAccount'],
    run: lostDelete,
  },
  {
    title: 'someone new with the old name gets a new account',
    needs: ['createAccount', 'deleteAccount'],
    run: newWithOldName,
  },
  {
    title: 'every write on an unknown account says so',
    needs: ['createAccount', 'deleteAccount'],
    run: unknownAccount,
  },
];

async function createTwice(bench: Bench): Promise<void> {
  const account = bench.person();

  const first = await bench.manager.createAccount(account, bench.call());
  const second = await bench.manager.createAccount(account, bench.call());

  assert.equal(first.outcome, 'created');
  assert.equal(second.outcome, 'already existed');
  assert.equal(second.remoteId, first.remoteId);
  assert.equal((await bench.seenByName(first.name)).length, 1);
}

async function lostCreate(bench: Bench): Promise<void> {
  const account = bench.person();
  bench.target.loseNextAnswer();

  await bench.failure(bench.manager.createAccount(account, bench.call()), 'unavailable');
  const seenBefore = await bench.seenByName(account.profile.name);
  const ref = await bench.create(account);

  assert.equal(seenBefore.length, 1, FAULT_TOO_EARLY);
  const seen = await bench.seenByName(ref.name);
  assert.deepEqual(
    seen.map(({ remoteId }) => remoteId),
    [ref.remoteId],
  );
}

async function foreignName(bench: Bench): Promise<void> {
  const foreigner = await bench.farSide.plantAccount(bench.name('f'));

  await bench.failure(bench.manager.createAccount(bench.person(foreigner.name), bench.call()), 'conflict');

  assert.deepEqual(await bench.seenByName(foreigner.name), [foreigner]);
}

async function foreignOwner(bench: Bench): Promise<void> {
  const account = bench.person();
  const ref = await bench.create(account);
  const stranger = { ...account, key: { userId: account.key.userId, owner: `${bench.owner}-other` } };

  assert.equal(await bench.manager.findAccount(stranger.key, bench.call()), undefined);
  await bench.failure(bench.manager.createAccount(stranger, bench.call()), 'conflict');

  assert.deepEqual(
    (await bench.seenByName(ref.name)).map(({ remoteId }) => remoteId),
    [ref.remoteId],
  );
}

async function adopt(bench: Bench): Promise<void> {
  const { remoteId, name } = await bench.farSide.plantAccount(bench.name('a'));
  const { key } = bench.person();
  const ref = { remoteId, name, key };

  assert.equal(await bench.manager.adoptAccount(ref, bench.call()), 'done');
  assert.equal(await bench.manager.adoptAccount(ref, bench.call()), 'unchanged');

  assert.equal((await bench.manager.findAccount(key, bench.call()))?.remoteId, remoteId);
  assert.equal((await bench.seen(remoteId))?.name, name);
}

async function adoptForeign(bench: Bench): Promise<void> {
  const account = bench.person();
  const ref = await bench.create(account);
  const stranger = { ...ref, key: { userId: randomUUID(), owner: `${bench.owner}-other` } };

  await bench.failure(bench.manager.adoptAccount(stranger, bench.call()), 'conflict');

  assert.equal((await bench.create(account)).remoteId, ref.remoteId);
}

async function impossibleNames(bench: Bench): Promise<void> {
  const before = (await bench.farSide.accounts()).length;

  for (const name of bench.target.impossibleNames) {
    await bench.failure(bench.manager.createAccount(bench.person(name), bench.call()), 'rejected');
  }

  assert.equal((await bench.farSide.accounts()).length, before);
}

async function findByKey(bench: Bench): Promise<void> {
  const account = bench.person();
  const ref = await bench.create(account);

  const found = await bench.manager.findAccount(account.key, bench.call());
  const nobody = await bench.manager.findAccount({ userId: randomUUID(), owner: bench.owner }, bench.call());

  assert.equal(found?.remoteId, ref.remoteId);
  assert.equal(found.userId, account.key.userId);
  assert.equal(nobody, undefined);
}

async function rename(bench: Bench): Promise<void> {
  const account = bench.person();
  const ref = await bench.create(account);
  const profile = { ...account.profile, name: bench.name('r'), nickname: 'New', displayName: 'New' };

  assert.equal(await bench.manager.updateAccount(ref, profile, bench.call()), 'done');
  const again = await bench.manager.updateAccount(ref, profile, bench.call());

  assert.notEqual(again, 'gone');
  assert.equal((await bench.seen(ref.remoteId))?.name, profile.name);
  assert.deepEqual(await bench.seenByName(ref.name), []);
  const recreated = await bench.create({ ...account, profile });
  assert.equal(recreated.remoteId, ref.remoteId, 'after a rename the key still finds the account');
}

async function disableTwice(bench: Bench): Promise<void> {
  const ref = await bench.create();

  for (const [method, enabled] of [
    ['disableAccount', false],
    ['enableAccount', true],
  ] as const) {
    assert.equal(await bench.manager[method](ref, bench.call()), 'done');
    assert.notEqual(await bench.manager[method](ref, bench.call()), 'gone');
    assert.equal((await bench.seen(ref.remoteId))?.enabled, enabled);
  }
}

async function deleteTwice(bench: Bench): Promise<void> {
  const ref = await bench.create();

  assert.equal(await bench.manager.deleteAccount(ref, bench.call()), 'done');
  assert.equal(await bench.manager.deleteAccount(ref, bench.call()), 'nothing there');

  assert.equal(await bench.seen(ref.remoteId), undefined);
}

async function lostDelete(bench: Bench): Promise<void> {
  const ref = await bench.create();
  bench.target.loseNextAnswer();

  await bench.failure(bench.manager.deleteAccount(ref, bench.call()), 'unavailable');
  await bench.manager.deleteAccount(ref, bench.call());

  assert.equal(await bench.manager.deleteAccount(ref, bench.call()), 'nothing there');
  assert.equal(await bench.seen(ref.remoteId), undefined);
}

async function newWithOldName(bench: Bench): Promise<void> {
  const old = await bench.create();
  await bench.manager.deleteAccount(old, bench.call());

  const fresh = await bench.create(bench.person(old.name));
  const seen = await bench.seen(fresh.remoteId);
  assert.notEqual(fresh.remoteId, old.remoteId);
  // The old job comes late: it must not reach the new account, not even by its name.
  assert.equal(await bench.manager.deleteAccount(old, bench.call()), 'nothing there');
  assert.equal(await bench.manager.deleteAccount({ ...old, remoteId: fresh.remoteId }, bench.call()), 'nothing there');

  assert.deepEqual(await bench.seen(fresh.remoteId), seen);
}

async function unknownAccount(bench: Bench): Promise<void> {
  const account = bench.person();
  const ref = await bench.create(account);
  await bench.manager.deleteAccount(ref, bench.call());

  for (const [method, write] of writesOn(bench, ref, account.profile.name)) {
    if (bench.manager[method] === undefined) continue;
    const outcome = await write().catch((error: unknown) =>
      bench.failure(Promise.reject(error), 'gone').then(() => 'gone'),
    );
    const expected = method === 'deleteAccount' || method === 'endSessions' ? 'nothing there' : 'gone';
    assert.equal(outcome, expected, `${method} on an account that is not there`);
  }
  assert.deepEqual(await bench.seenByName(ref.name), [], 'a write on an unknown account made one');
}

type Write = readonly [method: keyof Bench['manager'], write: () => Promise<WriteOutcome | 'nothing there'>];

function writesOn(bench: Bench, ref: AccountRef, name: string): readonly Write[] {
  const { manager } = bench;
  const profile = { ...bench.person(name).profile };
  return [
    ['updateAccount', () => manager.updateAccount(ref, profile, bench.call())],
    ['setNickname', () => manager.setNickname(ref, 'Nick', bench.call())],
    ['enableAccount', () => manager.enableAccount(ref, bench.call())],
    ['disableAccount', () => manager.disableAccount(ref, bench.call())],
    ['setPassword', () => manager.setPassword(ref, new Secret(randomUUID()), bench.call())],
    ['setGroups', () => manager.setGroups(ref, { wanted: [], managed: [] }, bench.call())],
    ['endSessions', () => manager.endSessions(ref, bench.call())],
    ['deleteAccount', () => manager.deleteAccount(ref, bench.call())],
  ];
}
