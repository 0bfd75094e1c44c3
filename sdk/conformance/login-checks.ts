import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Secret } from '../manager';
import type { Bench } from './bench';
import type { Check } from './check';

/** How long a session may go on after its account was removed. */
const SESSION_END_MS = 10_000;

/** Who can log in, and until when. */
export const loginChecks: readonly Check[] = [
  { title: 'a new account has no usable password', needs: ['createAccount', 'setPassword'], run: noPassword },
  { title: 'the password that was set last logs in', needs: ['createAccount', 'setPassword'], run: passwordTwice },
  {
    title: 'deleting ends what is logged in',
    needs: ['createAccount', 'setPassword', 'deleteAccount'],
    run: deleteEndsSessions,
  },
  { title: 'ending sessions may run twice', needs: ['createAccount', 'endSessions'], run: endSessionsTwice },
];

async function noPassword(bench: Bench): Promise<void> {
  const ref = await bench.create();

  for (const guess of ['', ref.name, 'password']) {
    assert.notEqual(await bench.farSide.login?.(ref.name, guess), true, `one can log in with ${JSON.stringify(guess)}`);
  }
}

async function passwordTwice(bench: Bench): Promise<void> {
  const ref = await bench.create();
  const [first, last] = [`First-${randomUUID()}`, `Last-${randomUUID()}`];

  for (const text of [first, last, last]) {
    assert.notEqual(await bench.manager.setPassword(ref, new Secret(text), bench.call()), 'gone');
  }

  if (bench.farSide.login === undefined) return;
  assert.equal(await bench.farSide.login(ref.name, last), true);
  assert.equal(await bench.farSide.login(ref.name, first), false);
}

/** As Muster removes: sessions are ended first where that is a call of its own. */
async function deleteEndsSessions(bench: Bench): Promise<void> {
  const { farSide, manager } = bench;
  if (farSide.openSession === undefined) return;
  const ref = await bench.create();
  const password = `Session-${randomUUID()}`;
  await manager.setPassword(ref, new Secret(password), bench.call());
  const session = await farSide.openSession(ref.name, password);

  const { endSessions }: Partial<typeof manager> = manager;
  await endSessions?.call(manager, ref, bench.call());
  assert.equal(await manager.deleteAccount(ref, bench.call()), 'done');

  const late = new Promise((resolve) => setTimeout(resolve, SESSION_END_MS, 'open').unref());
  assert.notEqual(await Promise.race([session.ended.then(() => 'ended'), late]), 'open', 'the session goes on');
}

async function endSessionsTwice(bench: Bench): Promise<void> {
  const ref = await bench.create();

  await bench.manager.endSessions(ref, bench.call());
  await bench.manager.endSessions(ref, bench.call());

  assert.notEqual(await bench.seen(ref.remoteId), undefined);
}
