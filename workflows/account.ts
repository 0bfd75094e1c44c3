import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { serviceTaskQueue } from '../domain/ids';
import type { Activities } from '../activities';
import { ACCOUNT_STATE_QUERY, POKE_SIGNAL, SEARCH_ATTRIBUTES } from './contracts';
import type { AccountInput, ConvergeOutcome } from './contracts';
import { CONVERGE_OPTIONS } from './patterns/activity-options';

/** A wait longer than this is the row's, not the workflow's: it ends, and the sweep starts it again (rule 2). */
const LONGEST_WAIT_MS = 60_000;

export const poke = defineSignal(POKE_SIGNAL);
export const state = defineQuery<string>(ACCOUNT_STATE_QUERY);

export interface AccountResult {
  readonly outcome: ConvergeOutcome['outcome'];
  readonly did: readonly string[];
}

/**
 * One account, one workflow id, one loop: converge, and go round again while something changed meanwhile.
 *
 * converging -> settled, nothing more to do: ends
 *            -> again, the account changed while it was written: converges at once
 *            -> later, within a minute: waits for the time or a poke, then converges
 *            -> later, beyond a minute, or stopped: the row owns the next try, ends
 *
 * A poke only counts; the loop acts. The count is looked at last, with no await between the look and the return, so a
 * poke that comes during a write is never lost. Continue-as-new carries nothing: all state is in the database.
 */
async function settle(input: AccountInput): Promise<AccountResult> {
  const activities = proxyActivities<Activities>({
    ...CONVERGE_OPTIONS,
    taskQueue: serviceTaskQueue(input.service),
  });
  const did = new Set<string>();
  let pokes = 0;
  // The first poke came with the start itself.
  let seen = 1;
  let phase = 'converging';
  setHandler(poke, () => {
    pokes += 1;
  });
  setHandler(state, () => phase);
  for (;;) {
    seen = Math.max(seen, pokes);
    phase = 'converging';
    const outcome = await activities.convergeAccount(input);
    for (const step of outcome.did) did.add(step);
    phase = describe(outcome);
    setCurrentDetails(`${phase}${did.size > 0 ? `\n\nDone so far: ${[...did].join(', ')}` : ''}`);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof settle>(input);
    if (outcome.outcome === 'later' && outcome.waitMs <= LONGEST_WAIT_MS) {
      await condition(() => pokes > seen, Math.max(1, outcome.waitMs));
      continue;
    }
    if (outcome.outcome === 'again' || pokes > seen) continue;
    upsertSearchAttributes({ [SEARCH_ATTRIBUTES.outcome]: [outcome.outcome] });
    return { outcome: outcome.outcome, did: [...did] };
  }
}

function describe(outcome: ConvergeOutcome): string {
  switch (outcome.outcome) {
    case 'settled':
      return 'as it should be';
    case 'again':
      return 'changed meanwhile: going round again';
    case 'later':
      return `waiting ${Math.ceil(outcome.waitMs / 1000)} s: ${outcome.reason}`;
    case 'stopped':
      return `stopped: ${outcome.reason}`;
  }
}

/** A person is entitled, or activated the service: the account comes to be. */
export async function createAccount(input: AccountInput): Promise<AccountResult> {
  return settle(input);
}

/** The account is to go. */
export async function deleteAccount(input: AccountInput): Promise<AccountResult> {
  return settle(input);
}

/** Memberships, states or the mapping changed. */
export async function updateGroups(input: AccountInput): Promise<AccountResult> {
  return settle(input);
}

/** Name, mail or attributes changed. */
export async function updateProfile(input: AccountInput): Promise<AccountResult> {
  return settle(input);
}

/** The display name changed. */
export async function syncNickname(input: AccountInput): Promise<AccountResult> {
  return settle(input);
}

/** Entitlement may have been lost: if so, the account goes and the person is told. */
export async function validateUser(input: AccountInput): Promise<AccountResult> {
  return settle(input);
}

/** The person chose a password; it stands sealed in the database. */
export async function setPassword(input: AccountInput): Promise<AccountResult> {
  return settle(input);
}

/** A new random password, claimed once from its operation. */
export async function resetPassword(input: AccountInput): Promise<AccountResult> {
  return settle(input);
}

/** Configuration changed, or a retry by hand: nothing more special. */
export async function convergeAccount(input: AccountInput): Promise<AccountResult> {
  return settle(input);
}
