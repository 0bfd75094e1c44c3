import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { MANAGER_METHODS } from '../../domain/words';
import { SDK_VERSION } from '../connector';
import type { NameRules } from '../connector';
import { Secret, managerAbilities } from '../manager';
import type { Page } from '../manager';
import type { Bench } from './bench';
import type { Check } from './check';

/** What holds for every manager: abilities, connection test, secrets, calls that are cut off. */
export const generalChecks: readonly Check[] = [
  { title: 'abilities are read without building the manager', needs: [], run: abilities },
  { title: 'its configuration refuses what it does not know', needs: [], run: strictConfig },
  { title: 'cleaning a name is idempotent and keeps to the length', needs: [], run: cleanNames },
  { title: 'cleaned names are taken as they are', needs: ['createAccount'], run: cleanedNamesTaken },
  { title: 'the connection test is content and changes nothing', needs: ['testConnection'], run: connectionTest },
  {
    title: 'the listing of accounts equals what was written',
    needs: ['createAccount', 'listAccounts'],
    run: listAccounts,
  },
  { title: 'the listing of groups equals what was written', needs: ['ensureGroup', 'listGroups'], run: listGroups },
  { title: 'a call that was cancelled changes nothing', needs: ['createAccount'], run: cancelled },
  { title: 'no secret is in an error, in JSON or in what is printed', needs: [], run: secrets },
  { title: 'an error that is not its own is left alone', needs: [], run: unknownErrors },
];

/** What people really have in names, and what they try. */
const NASTY_NAMES = [
  'Ada Lovelace',
  "O'Brien",
  '"quoted"',
  'a"; drop table users; --',
  '../../etc/passwd',
  'x\u0000y',
  'tab\there\nline',
  'Ünïcödé',
  '名前',
  '👩‍👩‍👧‍👦',
  '\u202Eevil',
  '%00',
  '<b>bold</b>',
  'a'.repeat(10_000),
  'é'.repeat(200),
  ' spaced ',
  '{{name}}',
  '-rf',
];

async function abilities(bench: Bench): Promise<void> {
  const declared = managerAbilities(bench.connector.manager);
  const own = MANAGER_METHODS.filter((method) => Object.hasOwn(bench.manager, method));

  assert.deepEqual(
    own,
    [],
    'methods made in the constructor (arrow functions) are not seen before it is built: make them methods',
  );
  assert(declared.length > 0, 'the manager has none of the methods');
  assert.equal(bench.connector.sdk, SDK_VERSION);
}

async function strictConfig(bench: Bench): Promise<void> {
  const { config } = bench.connector;

  assert(config.safeParse(bench.target.config).success, 'the configuration of the test itself is refused');
  assert(
    !config.safeParse({ ...Object(bench.target.config), surprise: 1 }).success,
    'unknown keys pass: use z.strictObject',
  );
  const refused = config.safeParse({ ...Object(bench.target.config), surprise: 1 }).error;
  for (const secret of bench.target.secrets)
    assert(!inspect(refused).includes(secret), 'a refused configuration shows a secret');
}

async function cleanNames(bench: Bench): Promise<void> {
  for (const rules of [bench.connector.names, bench.connector.groupNames]) {
    if (rules === undefined) continue;
    for (const name of NASTY_NAMES) {
      const cleaned = rules.clean(name);
      assert.equal(rules.clean(cleaned), cleaned, `cleaning ${JSON.stringify(name.slice(0, 40))} twice differs`);
    }
  }
}

async function cleanedNamesTaken(bench: Bench): Promise<void> {
  const rules = bench.connector.names;
  for (const nasty of NASTY_NAMES) {
    const name = fitting(`${bench.name('n')}${nasty}`, rules);
    if (name === '') continue;
    const ref = await bench.create(bench.person(name));
    assert.equal(ref.name, name);
    assert.deepEqual(
      (await bench.seenByName(name)).map(({ remoteId }) => remoteId),
      [ref.remoteId],
    );
    if (managerAbilities(bench.connector.manager).includes('deleteAccount'))
      await bench.manager.deleteAccount(ref, bench.call());
  }
}

/** Cuts as Muster does: clean, then cut to the length, then clean again. */
function fitting(name: string, rules: NameRules | undefined): string {
  if (rules === undefined) return name;
  let cut = '';
  for (const char of rules.clean(name)) {
    const length = rules.lengthUnit === 'bytes' ? Buffer.byteLength(cut + char) : Array.from(cut).length + 1;
    if (length > rules.maxLength) break;
    cut += char;
  }
  return rules.clean(cut);
}

async function connectionTest(bench: Bench): Promise<void> {
  const before = await bench.farSide.accounts();

  const report = await bench.manager.testConnection(bench.call());

  assert.deepEqual({ ok: report.ok, missing: [...report.missing] }, { ok: true, missing: [] });
  assert.equal((await bench.farSide.accounts()).length, before.length);
}

async function listAccounts(bench: Bench): Promise<void> {
  const people = [bench.person(), bench.person(), bench.person()];
  const refs = [];
  for (const person of people) refs.push(await bench.create(person));

  const listed = await allPages((cursor) => bench.manager.listAccounts(cursor, bench.call()));

  for (const [index, ref] of refs.entries()) {
    const found = listed.filter(({ remoteId }) => remoteId === ref.remoteId);
    assert.equal(found.length, 1, 'an account is not listed exactly once');
    assert.equal(found[0]?.name, ref.name);
    assert.equal(found[0].userId, people[index]?.key.userId);
    assert.equal(found[0].owner, bench.owner);
  }
}

async function listGroups(bench: Bench): Promise<void> {
  const groups = [bench.newGroup(), bench.newGroup()];
  for (const group of groups) await bench.ensure(group);

  const listed = await allPages((cursor) => bench.manager.listGroups(cursor, bench.call()));

  for (const group of groups) {
    const found = listed.filter(({ key }) => key === group.key);
    assert.deepEqual(
      found.map(({ name, owner }) => ({ name, owner })),
      [{ name: group.name, owner: bench.owner }],
    );
  }
}

async function allPages<T>(page: (cursor: string | undefined) => Promise<Page<T>>): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 10_000; pages += 1) {
    const { items: found, next } = await page(cursor);
    items.push(...found);
    if (next === undefined) return items;
    assert.notEqual(next, cursor, 'the cursor stands still');
    cursor = next;
  }
  return assert.fail('the listing does not end');
}

async function cancelled(bench: Bench): Promise<void> {
  const account = bench.person();

  await bench.failure(
    bench.manager.createAccount(account, { signal: AbortSignal.abort(), timeoutMs: 1000 }),
    'unavailable',
  );

  assert.deepEqual(await bench.seenByName(account.profile.name), []);
}

async function secrets(bench: Bench): Promise<void> {
  const canary = `Canary-${randomUUID()}`;
  const shown: unknown[] = [bench.manager];
  if (has(bench, 'createAccount') && has(bench, 'setPassword')) {
    const ref = await bench.create();
    bench.target.loseNextAnswer();
    shown.push(await bench.manager.setPassword(ref, new Secret(canary), bench.call()).catch((error: unknown) => error));
    await bench.manager.setPassword(ref, new Secret(canary), bench.call());
    shown.push(await bench.seen(ref.remoteId));
  }
  if (has(bench, 'createAccount')) {
    const foreigner = await bench.farSide.plantAccount(bench.name('s'));
    shown.push(
      await bench.manager.createAccount(bench.person(foreigner.name), bench.call()).catch((error: unknown) => error),
    );
  }

  const text = shown
    .map((each) => `${String(each)} ${inspect(each, { depth: 12, showHidden: false })} ${JSON.stringify(each)}`)
    .join('\n');

  for (const secret of [canary, ...bench.target.secrets]) {
    assert(!text.includes(secret), 'a secret is shown; keep it in a #private field and out of messages and causes');
  }
}

async function unknownErrors(bench: Bench): Promise<void> {
  for (const thrown of [new Error('something else'), 'text', undefined, null, 7, {}]) {
    assert.equal(bench.manager.translateError?.(thrown), undefined, `translateError claims ${inspect(thrown)}`);
  }
}

function has(bench: Bench, method: (typeof MANAGER_METHODS)[number]): boolean {
  return managerAbilities(bench.connector.manager).includes(method);
}
