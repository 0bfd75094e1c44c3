import { field } from '../forms';
import { html } from '../html';
import { FRAME } from '../texts/frame';
import { SETTINGS } from '../texts/operator-service';
import { area, pick, tick } from './fields';
import { plainText } from './parts';
import type { Html } from '../html';

/** A property of the JSON schema that the API answers for a connector. */
export interface Property {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly description?: string;
  readonly writeOnly?: boolean;
  readonly items?: Property;
}

export interface ConfigSchema {
  readonly properties?: Readonly<Record<string, Property>>;
  readonly required?: readonly string[];
}

type Config = Readonly<Record<string, unknown>>;

/** What is wrong, by the name of the field. */
export type Errors = Readonly<Record<string, string>>;

const PREFIX = 'config.';

/** One field for each key of a connector's configuration. Secrets are never in it, only whether they are set. */
export function configFields(
  schema: ConfigSchema,
  { values, form, errors }: { readonly values: Config; readonly form?: URLSearchParams; readonly errors: Errors },
): Html {
  const entries = Object.entries(schema.properties ?? {});
  const isRequired = (key: string): boolean => schema.required?.includes(key) === true;
  // What must be given first: most connectors have a dozen keys that nobody needs.
  const sorted = [...entries.filter(([key]) => isRequired(key)), ...entries.filter(([key]) => !isRequired(key))];
  return html`${sorted.map(([key, property]) => {
    const name = PREFIX + key;
    const error = errors[name];
    // Descriptions are written for documents: their code marks mean nothing here.
    const hint = property.description?.replaceAll('`', '');
    const one = { key, name, property, isRequired: isRequired(key), error, ...(hint === undefined ? {} : { hint }) };
    if (property.writeOnly === true) return secretField(one, values[key] !== undefined);
    return plainField(one, form?.get(name) ?? textOf(property, values[key]));
  })}`;
}

interface One {
  readonly key: string;
  readonly name: string;
  readonly property: Property;
  readonly isRequired: boolean;
  readonly error: string | undefined;
  readonly hint?: string;
}

function secretField({ key, name, property, isRequired, error, hint = '' }: One, isSet: boolean): Html {
  const state = isSet ? SETTINGS.secretSet : SETTINGS.secretUnset;
  const options = { name, label: key, hint: `${hint} ${state}`.trim(), error };
  // Keys in PEM have many lines; what somebody types there is seen by them alone, and is not sent back.
  const input =
    property.pattern?.includes('BEGIN') === true
      ? area({ ...options, value: '' })
      : field({ ...options, type: 'password', autocomplete: 'new-password', isRequired: isRequired && !isSet });
  return html`${input}${isSet && !isRequired && tick({ name: `clear.${key}`, label: SETTINGS.clearSecret(key) })}`;
}

function plainField(one: One, value: string): Html {
  const { key, name, property, isRequired, error, hint } = one;
  const options = { name, label: key, value, error, isRequired, ...(hint === undefined ? {} : { hint }) };
  const noted = (note: string) => ({ ...options, hint: hint === undefined ? note : `${hint} ${note}` });
  switch (kindOf(property)) {
    case 'number':
      return field({ ...options, type: 'number' });
    case 'flag':
      return pick({ ...options, options: withUnset(['true', 'false'], [FRAME.yes, FRAME.no]) });
    case 'choice':
      return pick({ ...options, options: withUnset(property.enum ?? [], property.enum ?? []) });
    case 'lines':
      return area(noted(SETTINGS.onePerLine));
    case 'json':
      return area(noted(SETTINGS.json));
    case 'long':
      return area(options);
    case 'text':
      return field(options);
  }
}

function withUnset(values: readonly string[], labels: readonly string[]) {
  const options = values.map((value, index) => ({ value, label: labels[index] ?? value }));
  return [{ value: '', label: SETTINGS.notSet }, ...options];
}

type Kind = 'number' | 'flag' | 'choice' | 'lines' | 'json' | 'long' | 'text';

function kindOf({ type, enum: options, items, pattern }: Property): Kind {
  if (options !== undefined) return 'choice';
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'boolean') return 'flag';
  if (type === 'array' && items?.type === 'string') return 'lines';
  if (type === 'string') return pattern?.includes('BEGIN') === true ? 'long' : 'text';
  return 'json';
}

function textOf(property: Property, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (kindOf(property) === 'lines' && Array.isArray(value)) return value.map(String).join('\n');
  return typeof value === 'object' ? JSON.stringify(value, undefined, 2) : plainText(value);
}

export interface ReadConfig {
  /** Only what is to change: null takes a key away. */
  readonly config: Record<string, unknown>;
  readonly errors: Errors;
}

/** The configuration that a form asks for, beside the one that stands. */
export function readConfig(schema: ConfigSchema, form: URLSearchParams, before: Config): ReadConfig {
  const config: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const text = form.get(PREFIX + key) ?? '';
    const isEmpty = text.trim() === '';
    if (property.writeOnly === true) {
      if (!isEmpty) config[key] = text.replaceAll('\r\n', '\n');
      else if (form.get(`clear.${key}`) !== null) config[key] = null;
      continue;
    }
    if (isEmpty) {
      if (before[key] !== undefined) config[key] = null;
      continue;
    }
    const read = valueOf(property, text);
    if ('error' in read) errors[PREFIX + key] = read.error;
    else config[key] = read.value;
  }
  return { config, errors };
}

function valueOf(property: Property, text: string): { readonly value: unknown } | { readonly error: string } {
  switch (kindOf(property)) {
    case 'number':
      return Number.isFinite(Number(text)) ? { value: Number(text) } : { error: SETTINGS.notNumber };
    case 'flag':
      return { value: text === 'true' };
    case 'lines':
      return { value: linesOf(text) };
    case 'json':
      try {
        return { value: JSON.parse(text) };
      } catch {
        return { error: SETTINGS.notJson };
      }
    case 'choice':
    case 'long':
    case 'text':
      return { value: text.replaceAll('\r\n', '\n').trim() };
  }
}

/** What stands on the lines of a field, without the empty ones. */
export function linesOf(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
