import { SETTINGS } from '../texts/operator-service';
import { linesOf } from './config-form';
import { plainText } from './parts';

/** How a setting is typed. */
export type SettingKind = 'text' | 'number' | 'choice' | 'flag' | 'lines' | 'table' | 'map' | 'limits' | 'routes';

type Value = { readonly value: unknown } | { readonly error: string };

interface RateLimit {
  readonly limit: number;
  readonly windowMs: number;
  readonly kind?: string;
  readonly burst?: number;
}

/** A setting as it is typed; '' = not set. */
export function settingText(kind: SettingKind, value: unknown): string {
  if (value === undefined || value === null) return '';
  switch (kind) {
    case 'lines':
      return (value as readonly string[]).join('\n');
    case 'table':
      return Object.entries(value as Readonly<Record<string, readonly string[]>>)
        .map(([key, names]) => `${key}: ${names.join(', ')}`)
        .join('\n');
    case 'map':
      return Object.entries(value as Readonly<Record<string, string>>)
        .map(([key, text]) => `${key}: ${text}`)
        .join('\n');
    case 'limits':
      return (value as readonly RateLimit[]).map(limitText).join('\n');
    case 'routes':
      return Object.entries(value as Readonly<Record<string, readonly RateLimit[]>>)
        .flatMap(([route, limits]) => limits.map((limit) => `${route}: ${limitText(limit)}`))
        .join('\n');
    case 'text':
    case 'number':
    case 'choice':
    case 'flag':
      return plainText(value);
  }
}

function limitText({ limit, windowMs, kind, burst }: RateLimit): string {
  const window = windowMs % 1_000 === 0 ? `${windowMs / 1_000} s` : `${windowMs} ms`;
  return [`${limit} per ${window}`, kind, burst].filter((part) => part !== undefined).join(' ');
}

/** What was typed, as the API takes it; undefined = not set. */
export function settingValue(kind: SettingKind, text: string): Value {
  return text.trim() === '' ? { value: undefined } : READERS[kind](text);
}

const asText = (text: string): Value => ({ value: text.trim() });

const READERS: Readonly<Record<SettingKind, (text: string) => Value>> = {
  text: asText,
  choice: asText,
  // A box that is not ticked sends nothing.
  flag: () => ({ value: true }),
  number: (text) => (Number.isFinite(Number(text)) ? { value: Number(text) } : { error: SETTINGS.notNumber }),
  lines: (text) => ({ value: linesOf(text) }),
  table: (text) => mapped(text, namesOf),
  map: (text) => mapped(text, (value) => value),
  limits: (text) => limitsOf(linesOf(text)),
  routes: (text) => routesOf(text),
};

function namesOf(value: string): readonly string[] {
  return value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function mapped(text: string, valueOf: (value: string) => unknown): Value {
  const entries: [string, unknown][] = [];
  for (const line of linesOf(text)) {
    // The last colon parts them: names of groups may hold one, what they lead to seldom does.
    const parts = /^(.+?):\s+(.*)$/.exec(line) ?? /^(.+):(.*)$/.exec(line);
    if (parts === null) return { error: SETTINGS.notTable(line.slice(0, 60)) };
    entries.push([(parts[1] ?? '').trim(), valueOf((parts[2] ?? '').trim())]);
  }
  return { value: Object.fromEntries(entries) };
}

function limitsOf(lines: readonly string[]): Value {
  const limits: RateLimit[] = [];
  for (const line of lines) {
    const limit = limitOf(line);
    if (limit === undefined) return { error: SETTINGS.notLimit(line.slice(0, 60)) };
    limits.push(limit);
  }
  return { value: limits };
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 };

function limitOf(line: string): RateLimit | undefined {
  const parts = /^(\d+)\s*(?:per|in|\/)\s*(\d+)\s*(ms|s|min|h)\s*(window|bucket|log)?\s*(\d+)?$/i.exec(line);
  if (parts === null) return undefined;
  const [, limit, length, unit = 's', kind, burst] = parts;
  return {
    limit: Number(limit),
    windowMs: Number(length) * (UNITS[unit.toLowerCase()] ?? 1_000),
    ...(kind === undefined ? {} : { kind: kind.toLowerCase() }),
    ...(burst === undefined ? {} : { burst: Number(burst) }),
  };
}

function routesOf(text: string): Value {
  const routes: Record<string, RateLimit[]> = {};
  for (const line of linesOf(text)) {
    const parts = /^(.+?):\s*(\d.*)$/.exec(line);
    const limit = limitOf(parts?.[2] ?? '');
    const route = parts?.[1]?.trim() ?? '';
    if (limit === undefined || route === '') return { error: SETTINGS.notLimit(line.slice(0, 60)) };
    routes[route] = [...(routes[route] ?? []), limit];
  }
  return { value: routes };
}
