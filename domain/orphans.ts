/** Accounts at the far side that Muster did not make: whose they are, and what becomes of the others. Pure. */
import { matchesAny } from './mapping';

/** What an operator has said about the accounts of a service that Muster did not make. */
export interface OrphanSettings {
  /** By what an account without a key is known to be a person's, who then gets it. Default `never`. */
  readonly adopt?: 'never' | 'by name' | 'by email';
  /** What becomes of accounts that are nobody's. Default `report`: nothing. */
  readonly unknown?: OrphanPolicy;
  /** Names that are never touched, nor adopted. Patterns with `*`. */
  readonly keep?: readonly string[];
}

export type OrphanPolicy = 'report' | 'disable' | 'remove';

/** An account that carries no key. */
export interface UnclaimedAccount {
  readonly remoteId: string;
  readonly name: string;
  readonly email: string | null;
}

/** Somebody who should have an account and has none. `name`: what it would be called. */
export interface AdoptionCandidate {
  readonly userId: string;
  readonly name: string;
  readonly email: string | null;
}

/**
 * Whose these accounts are, by remote id. Only what is beyond doubt: where two accounts or two people have the same name or
 * address nobody gets one.
 */
export function matchAdoptions(
  settings: OrphanSettings,
  accounts: readonly UnclaimedAccount[],
  candidates: readonly AdoptionCandidate[],
): ReadonlyMap<string, string> {
  const rule = settings.adopt ?? 'never';
  if (rule === 'never') return new Map();
  const keyOf = (one: { readonly name: string; readonly email: string | null }): string | null =>
    (rule === 'by name' ? one.name : one.email)?.trim().toLowerCase() ?? null;
  const people = onlyOnce(candidates, keyOf);
  const free = accounts.filter(({ name }) => !isKept(settings, name));
  const matches = [...onlyOnce(free, keyOf)].flatMap(([key, account]) => {
    const person = people.get(key);
    return person === undefined ? [] : [[account.remoteId, person.userId] as const];
  });
  return new Map(matches);
}

/** Is this account none of Muster's business, whatever else is set? */
export function isKept(settings: OrphanSettings, name: string): boolean {
  return matchesAny(settings.keep ?? [], name);
}

function onlyOnce<T>(items: readonly T[], keyOf: (item: T) => string | null): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  const repeated = new Set<string>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === null || key === '') continue;
    if (found.has(key)) repeated.add(key);
    found.set(key, item);
  }
  return new Map([...found].filter(([key]) => !repeated.has(key)));
}
