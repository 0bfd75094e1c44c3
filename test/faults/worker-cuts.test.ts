import { runChain } from './cut-chain';
import type { ChainResult } from './cut-chain';
import { rowOf } from './cuts';
import type { Act, Cut } from './cuts';
import { killAllProcesses } from './real-process';

/** Where the worker is killed, act by act. Each chain is a Muster of its own; chains run side by side. */
const CHAINS = {
  creation: cutsOf('join', [
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
  ]),
  change: [
    ...cutsOf('join a new group', ['group:after-call', 'step:before set groups', 'step:after set groups']),
    ...cutsOf('leave a group', ['step:before set groups', 'step:after set groups', 'account:after-commit']),
    ...cutsOf('be renamed', ['step:before update profile', 'step:after update profile', 'account:after-commit']),
    ...cutsOf('choose a password', [
      'step:before set password',
      'step:after set password',
      'step:after password applied',
      'account:before-release',
    ]),
  ],
  removal: [
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
  ],
} as const;

function cutsOf(act: Act, places: readonly string[]): readonly Cut[] {
  return places.map((at) => ({ act, at }));
}

const CHAIN_MS = 240_000;

describe.each(Object.entries(CHAINS))('kill -9 of the worker during %s', (_name, cuts) => {
  let chain: ChainResult;

  beforeAll(async () => {
    chain = await runChain(cuts);
  }, CHAIN_MS);
  afterAll(killAllProcesses);

  test.each(cuts)('to $act, at "$at", ends as it should', (cut) => {
    const result = chain.cuts.find((done) => done.cut === cut);
    const wanted = rowOf(cut.act).before === null ? result?.wanted : result?.wanted;
    const { password, ...role } = wanted ?? {};

    expect(result).toMatchObject({ death: 'SIGKILL' });
    expect(result?.found).toEqual(wanted === null ? [] : [{ ...role, userId: result?.person.id }]);
    expect(result?.operations.every((status) => status === 'succeeded')).toBe(true);
    expect(result?.login).toBe(password === undefined ? undefined : 'ok');
    expect(result?.names).toHaveLength(wanted === null ? 0 : 1);
    expect(result?.notices).toBe(cut.act === 'leave' || cut.act === 'pause their membership' ? 1 : 0);
  });

  test('in the end nothing is due, held or waiting for a person', () => {
    expect(chain.unrest).toEqual([]);
    expect(chain.strangers).toEqual([]);
  });
});
