import { runBulkCuts } from './bulk-cuts';
import type { BulkResult } from './bulk-cuts';
import { runChain } from './cut-chain';
import type { ChainResult } from './cut-chain';
import type { Act, Cut } from './cuts';
import { killAllProcesses } from './real-process';

/** Where the worker is killed, act by act. Each chain is a Muster of its own; they run side by side. */
const CREATION = cutsOf('join', [
  'account:after-lease',
  'step:before create',
  'create:before-intent',
  'create:after-intent',
  'create:after-call',
  'account:after-commit',
  'step:before set groups',
  'step:after set groups',
  'account:before-release',
  'account:after-release',
]);
const CHANGE = [
  ...cutsOf('join a new group', ['group:after-call', 'step:before set groups', 'step:after set groups']),
  ...cutsOf('leave a group', ['step:before set groups', 'step:after set groups', 'account:after-commit']),
  ...cutsOf('be renamed', ['step:before update profile', 'step:after update profile', 'account:after-commit']),
  ...cutsOf('choose a password', [
    'step:before set password',
    'step:after set password',
    'step:after password applied',
    'account:before-release',
  ]),
];
const REMOVAL = [
  ...cutsOf('leave', [
    'step:before end sessions',
    'step:after end sessions',
    'step:before delete',
    'step:after delete',
    'account:after-commit',
    'account:after-release',
  ]),
  ...cutsOf('be deleted', ['step:after delete']),
  ...cutsOf('pause their membership', ['step:before disable', 'step:after disable', 'account:after-commit']),
  ...cutsOf('come back', ['step:before enable', 'step:after enable']),
];
/** One import, its run cut again and again: at the third account of a chunk, and around the writing of results. */
const BULK = [
  'sync:after-stage',
  'create:after-intent#3',
  'create:after-call#3',
  'step:after set groups#3',
  'chunk:before-record',
  'chunk:after-record',
  'sync:after-finish',
];
const BULK_SIZE = 30;

function cutsOf(act: Act, places: readonly string[]): readonly Cut[] {
  return places.map((at) => ({ act, at }));
}

const ALL_MS = 480_000;
let chains: readonly ChainResult[];
let bulk: BulkResult;

beforeAll(async () => {
  [bulk, ...chains] = await Promise.all([
    runBulkCuts(BULK_SIZE, BULK),
    runChain(CREATION),
    runChain(CHANGE),
    runChain(REMOVAL),
  ]);
}, ALL_MS);
afterAll(killAllProcesses);

describe('kill -9 of the worker at every step of one account', () => {
  test.each([...CREATION, ...CHANGE, ...REMOVAL])('to $act, at "$at", ends as it should', (cut) => {
    const result = chains.flatMap((chain) => chain.cuts).find((done) => done.cut === cut);
    const { password, ...role } = result?.wanted ?? {};

    expect(result).toMatchObject({ death: 'SIGKILL' });
    expect(result?.found).toEqual(result?.wanted === null ? [] : [{ ...role, userId: result?.person.id }]);
    expect(result?.operations.every((status) => status === 'succeeded')).toBe(true);
    expect(result?.login).toBe(password === undefined ? undefined : 'ok');
    // A name is freed when the account is gone, and the old one after a rename.
    expect(result?.names).toHaveLength(result?.wanted === null ? 0 : 1);
    expect(result?.notices).toBe(['leave', 'pause their membership', 'come back'].includes(cut.act) ? 1 : 0);
  });

  test('nothing is due, held, staged or waiting for a person afterwards', () => {
    expect(chains.flatMap((chain) => chain.unrest)).toEqual([]);
    expect(chains.flatMap((chain) => chain.strangers)).toEqual([]);
  });
});

describe('kill -9 of the worker again and again in one bulk run', () => {
  test('each worker dies at its place and the run still ends', () => {
    expect(bulk.deaths).toEqual(BULK.map(() => 'SIGKILL'));
    expect(bulk.unrest).toEqual([]);
    expect(bulk.operation).toBe('succeeded');
  });

  test('every imported person has exactly one account with its groups', () => {
    const seen = bulk.found.map(({ name, login, groups }) => ({ name, login, groups }));

    expect(seen).toEqual(bulk.names.map((name) => ({ name, login: true, groups: ['crew'] })));
  });

  test('the totals of the run add up and nobody failed', () => {
    expect(bulk.syncs).not.toHaveLength(0);
    for (const { total, succeeded, unchanged, skipped, failed } of bulk.syncs) {
      expect(succeeded + unchanged).toBe(total);
      expect(skipped + failed).toBe(0);
    }
    expect(bulk.syncs.at(-1)?.total).toBe(BULK_SIZE);
  });
});
