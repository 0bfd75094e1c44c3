/** What names, addresses and attributes of an organisation may be. One rule for the API, the roster and the store. */
import type { Attributes, AttributeValue } from './words';

/** Longest values, in characters (code points). */
export const ORGANISATION_LIMITS = {
  name: 200,
  externalId: 200,
  displayName: 500,
  email: 320,
  stateName: 100,
  attributes: 50,
  attributeKey: 100,
  attributeText: 2_000,
  attributeList: 100,
} as const;

export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/**
 * Cannot stand in a name: control characters, lone surrogates (PostgreSQL cannot hold them), line separators, and the marks
 * that turn the reading direction around (they make one name look like another).
 */
const NOT_IN_NAMES = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
/** Control characters except tab and line ends, and lone surrogates. */
const NOT_IN_TEXT = /[^\P{Cc}\t\n\r]|\p{Cs}/u;
const EMAIL = /^[^\s@]+@[^\s@]+$/u;

/** A username or the name of a group: 1 to 200 characters on one line; blanks at the ends are cut off. */
export function checkName(value: unknown): Checked<string> {
  return checkLine(value, ORGANISATION_LIMITS.name);
}

/** The source's own key of a person: kept as it is (no cutting, case matters). */
export function checkExternalId(value: unknown): Checked<string> {
  const checked = checkLine(value, ORGANISATION_LIMITS.externalId);
  if (checked.ok && checked.value !== value) return refuse('must not begin or end with a blank');
  return checked;
}

export function checkDisplayName(value: unknown): Checked<string> {
  return checkLine(value, ORGANISATION_LIMITS.displayName);
}

export function checkStateName(value: unknown): Checked<string> {
  return checkLine(value, ORGANISATION_LIMITS.stateName);
}

/** Looks only for what is surely no address: no @, blanks, control characters, more than 320 characters. */
export function checkEmail(value: unknown): Checked<string> {
  const line = checkLine(value, ORGANISATION_LIMITS.email);
  if (!line.ok) return line;
  return EMAIL.test(line.value) ? line : refuse('must be an e-mail address');
}

/** At most 50 keys; values are text, numbers, booleans, null or lists of text. Takes objects and maps. */
export function checkAttributes(value: unknown): Checked<Attributes> {
  const entries = entriesOf(value);
  if (entries === undefined) return refuse('must be an object of names and values');
  if (entries.length > ORGANISATION_LIMITS.attributes)
    return refuse(`must have at most ${ORGANISATION_LIMITS.attributes} keys`);
  const checked: [string, AttributeValue][] = [];
  for (const [key, entry] of entries) {
    if (typeof key !== 'string') return refuse('must have names that are text');
    const name = checkLine(key, ORGANISATION_LIMITS.attributeKey);
    if (!name.ok) return refuse(`has a name that ${name.problem}`);
    if (key === '__proto__') return refuse('must not have the name __proto__');
    const problem = attributeProblem(entry);
    if (problem !== undefined) return refuse(`"${shortened(key)}" ${problem}`);
    checked.push([key, entry as AttributeValue]);
  }
  return { ok: true, value: Object.fromEntries(checked) };
}

/** One line of 1 to `max` characters without control characters; blanks at the ends are cut off, and it is NFC afterwards. */
export function checkLine(value: unknown, max: number): Checked<string> {
  if (typeof value !== 'string') return refuse(`must be text, not ${kindOf(value)}`);
  if (NOT_IN_NAMES.test(value)) return refuse('must not hold control characters or line breaks');
  const text = value.normalize('NFC').trim();
  if (text === '') return refuse('must not be empty');
  if (isLonger(text, max)) return refuse(`must have at most ${max} characters`);
  return { ok: true, value: text };
}

/** How a wrong value is named in an error. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}

/** Text for an error: never longer than an error may be. */
export function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function attributeProblem(value: unknown): string | undefined {
  if (value === null || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'must be a finite number';
  if (typeof value === 'string') return textProblem(value);
  if (!Array.isArray(value)) return `must be text, a number, true, false, null or a list of text, not ${kindOf(value)}`;
  if (value.length > ORGANISATION_LIMITS.attributeList)
    return `must have at most ${ORGANISATION_LIMITS.attributeList} entries`;
  for (const entry of value as readonly unknown[]) {
    if (typeof entry !== 'string') return `must be a list of text, not of ${kindOf(entry)}`;
    const problem = textProblem(entry);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function textProblem(text: string): string | undefined {
  if (NOT_IN_TEXT.test(text)) return 'must not hold control characters';
  return isLonger(text, ORGANISATION_LIMITS.attributeText)
    ? `must have at most ${ORGANISATION_LIMITS.attributeText} characters`
    : undefined;
}

function isLonger(text: string, max: number): boolean {
  if (text.length <= max) return false;
  // A character beyond the BMP takes two units: only what lies between is worth counting.
  return text.length > 2 * max || Array.from(text).length > max;
}

function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] | undefined {
  if (value instanceof Map) return [...(value as ReadonlyMap<unknown, unknown>).entries()];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value);
}

function refuse(problem: string): Checked<never> {
  return { ok: false, problem };
}
