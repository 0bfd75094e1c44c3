import {
  checkAttributes,
  checkDisplayName,
  checkEmail,
  checkExternalId,
  checkName,
  kindOf,
  shortened,
} from '../domain/organisation-rules';
import type { Checked } from '../domain/organisation-rules';
import type { RosterUser } from '../domain/roster';

const FIELDS = ['externalId', 'username', 'displayName', 'email', 'active', 'state', 'attributes', 'groups'] as const;
type Field = (typeof FIELDS)[number];
const MAX_GROUPS = 5_000;

export interface PersonRules {
  /** Names of the states that exist, by their lower-case name. */
  readonly states: ReadonlyMap<string, string>;
  /** Is an absent field taken as its default (true), or left as it is (false)? */
  readonly isDefaulted: (field: Field) => boolean;
}

export interface PersonProblem {
  readonly field: string | undefined;
  readonly detail: string;
}

export type CheckedPerson = { readonly user: RosterUser } | { readonly problems: readonly PersonProblem[] };

/** Checks everything about one person of a roster and reports all that is wrong. */
export function checkPerson(value: unknown, line: number, rules: PersonRules): CheckedPerson {
  if (!(value instanceof Map))
    return { problems: [{ field: undefined, detail: `must be an object, not ${kindOf(value)}` }] };
  const check = new PersonCheck(value as ReadonlyMap<unknown, unknown>, rules);
  const username = check.required('username', checkName);
  const user = {
    line,
    externalId: check.optional('externalId', checkExternalId),
    username,
    displayName: check.optional('displayName', checkDisplayName) ?? check.fallback('displayName', username),
    email: check.clearable('email', checkEmail, null),
    active: check.optional('active', checkActive) ?? check.fallback('active', true),
    state: check.clearable('state', (state) => checkState(state, rules.states), null),
    attributes: check.clearable('attributes', checkAttributes, {}),
    groups: check.clearable('groups', checkGroups, [] as readonly string[]),
  };
  check.unknownKeys();
  return check.problems.length > 0 ? { problems: check.problems } : { user };
}

class PersonCheck {
  readonly problems: PersonProblem[] = [];

  constructor(
    private readonly value: ReadonlyMap<unknown, unknown>,
    private readonly rules: PersonRules,
  ) {}

  required(field: Field, check: (value: unknown) => Checked<string>): string {
    if (this.value.has(field)) return this.#checked(field, check) ?? '';
    this.problems.push({ field, detail: 'is missing' });
    return '';
  }

  /** null says the same as an absent key: there is no such thing as "no display name". */
  optional<T>(field: Field, check: (value: unknown) => Checked<T>): T | undefined {
    const value = this.value.get(field);
    if (value === undefined || (value === null && field !== 'active')) return undefined;
    return this.#checked(field, check);
  }

  /** null and an empty value were given and mean: none. */
  clearable<T, N extends T | null>(field: Field, check: (value: unknown) => Checked<T>, none: N): T | N | undefined {
    if (!this.value.has(field)) return this.fallback(field, none);
    return this.value.get(field) === null ? none : this.#checked(field, check);
  }

  fallback<T>(field: Field, standard: T): T | undefined {
    return this.rules.isDefaulted(field) ? standard : undefined;
  }

  unknownKeys(): void {
    for (const key of this.value.keys()) {
      if ((FIELDS as readonly unknown[]).includes(key)) continue;
      this.problems.push({ field: undefined, detail: `has the unknown key "${shortened(String(key))}"` });
    }
  }

  #checked<T>(field: Field, check: (value: unknown) => Checked<T>): T | undefined {
    const checked = check(this.value.get(field));
    if (checked.ok) return checked.value;
    this.problems.push({ field, detail: checked.problem });
    return undefined;
  }
}

function checkActive(value: unknown): Checked<boolean> {
  if (typeof value === 'boolean') return { ok: true, value };
  return {
    ok: false,
    problem: `must be true or false, not ${typeof value === 'string' ? `"${shortened(value)}"` : kindOf(value)}`,
  };
}

function checkState(value: unknown, states: ReadonlyMap<string, string>): Checked<string> {
  if (typeof value !== 'string') return { ok: false, problem: `must be the name of a state, not ${kindOf(value)}` };
  const known = states.get(value.normalize('NFC').trim().toLowerCase());
  return known === undefined
    ? { ok: false, problem: `"${shortened(value)}" is not a state` }
    : { ok: true, value: known };
}

function checkGroups(value: unknown): Checked<readonly string[]> {
  if (!Array.isArray(value)) return { ok: false, problem: `must be a list of group names, not ${kindOf(value)}` };
  if (value.length > MAX_GROUPS) return { ok: false, problem: `must have at most ${MAX_GROUPS} groups` };
  const names = new Map<string, string>();
  for (const entry of value as readonly unknown[]) {
    const name = checkName(entry);
    if (!name.ok) return { ok: false, problem: `has a group whose name ${name.problem}` };
    if (!names.has(name.value.toLowerCase())) names.set(name.value.toLowerCase(), name.value);
  }
  return { ok: true, value: [...names.values()] };
}
