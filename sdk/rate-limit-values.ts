/** How the values of rate-limit headers are written. Durations are answered in milliseconds from now. */

/** Reads one value; undefined = it is not written like this. `nowMs` is the service's own clock. */
export type ReadValue = (text: string, nowMs: number) => number | undefined;

/** A number this large is no duration: Unix time in seconds since 2001, or in milliseconds. */
export const EPOCH_SECONDS_FROM = 1e9;
const EPOCH_MS_FROM = 1e12;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `12` or `0.5`; nothing with signs, exponents or other bases. */
export function decimal(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/** `1500` */
export function milliseconds(text: string): number | undefined {
  return decimal(text);
}

/** `1.5`, or with units `6m0s`, `20ms` */
export function seconds(text: string): number | undefined {
  const value = decimal(text);
  return value === undefined ? withUnits(text) : value * 1_000;
}

/** `120`, `0.35`, or a date */
export function secondsOrDate(text: string, nowMs: number): number | undefined {
  const value = seconds(text);
  if (value !== undefined) return value;
  const at = dateMs(text);
  return at === undefined ? undefined : at - nowMs;
}

/** Seconds from now, Unix time in seconds or in milliseconds, or a date: told apart by their size. */
export function secondsOrMoment(text: string, nowMs: number): number | undefined {
  const value = decimal(text);
  if (value === undefined) return secondsOrDate(text, nowMs);
  if (value >= EPOCH_MS_FROM) return value - nowMs;
  if (value >= EPOCH_SECONDS_FROM) return value * 1_000 - nowMs;
  return value * 1_000;
}

/** The first number of `100`, `500;w=1`, `100, 100;window=60, 10000;window=86400`, or `limit=100, ...`. */
export function leadingNumber(text: string): number | undefined {
  const found = /^\s*(?:limit=)?(\d+)\s*(?:[;,]|$)/.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The largest of the durations that a list gives under one of these names, e.g. `reset=30` or `t=30`, in seconds. */
export function longestOf(...names: readonly string[]): ReadValue {
  const pattern = new RegExp(`(?:^|[;,\\s])(?:${names.join('|')})=(\\d+)`, 'g');
  return (text) => {
    const values = [...text.matchAll(pattern)].map((match) => Number(match[1]) * 1_000);
    return values.length === 0 ? undefined : Math.max(...values);
  };
}

/** The smallest number that a list gives under one of these names, e.g. `remaining=0` or `r=0`. */
export function leastOf(...names: readonly string[]): ReadValue {
  const pattern = new RegExp(`(?:^|[;,\\s])(?:${names.join('|')})=(\\d+)`, 'g');
  return (text) => {
    const values = [...text.matchAll(pattern)].map((match) => Number(match[1]));
    return values.length === 0 ? undefined : Math.min(...values);
  };
}

/** So many requests in so many milliseconds. */
export interface Policy {
  readonly limit: number;
  readonly windowMs: number;
}

/** `"burst";q=100;w=60, "day";q=1000;w=86400`, `100;w=60`, `100, 100;window=60`: every part that has both numbers. */
export function policies(text: string): readonly Policy[] {
  return text.split(',').flatMap((part) => {
    const limit = /(?:^|;)\s*q=(\d+)/.exec(part)?.[1] ?? /^\s*(\d+)\s*;/.exec(part)?.[1];
    const window = /;\s*(?:w|window)=(\d+)/.exec(part)?.[1];
    return limit === undefined || window === undefined
      ? []
      : [{ limit: Number(limit), windowMs: Number(window) * 1_000 }];
  });
}

/** Moment of a date in any form that has letters; undefined = no date. */
export function dateMs(text: string): number | undefined {
  // Without letters Date.parse also takes "-5" or "1.5" for something.
  if (!/[a-z]/i.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** A duration in a sentence: "wait 26 seconds", "try again in 2 minutes", "retry in 500 ms". */
export function durationInSentence(text: string): number | undefined {
  const found =
    /\b(?:wait|retry|again)\b[^0-9]{0,40}(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b/i.exec(
      text,
    );
  if (found === null) return undefined;
  return Number(found[1]) * unitMs(found[2] ?? 's');
}

function unitMs(word: string): number {
  const lower = word.toLowerCase();
  if (lower.startsWith('ms') || lower.startsWith('milli')) return 1;
  return UNIT_MS[lower[0] ?? 's'] ?? 1_000;
}

/** `6m0s`, `1h2m`, `350ms` */
function withUnits(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g);
  return [...parts].reduce((sum, part) => sum + Number(part[1]) * (UNIT_MS[part[2] ?? 's'] ?? 0), 0);
}
