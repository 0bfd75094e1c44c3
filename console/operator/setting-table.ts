import { field } from '../forms';
import { html } from '../html';
import { OPTION_TEXTS, SETTING_TEXTS, SETTINGS } from '../texts/operator-service';
import { area, pick, tick } from './fields';
import { settingText, settingValue } from './setting-values';
import type { Html } from '../html';
import type { Errors } from './config-form';
import type { SettingKind } from './setting-values';

/** One setting of a service. */
export interface Setting {
  /** Where it stands in what the API answers, e.g. `mapping.groups.template`. */
  readonly path: string;
  readonly kind: SettingKind;
  readonly options?: readonly string[];
  /** Stands above it: here begins another part. */
  readonly heading?: keyof typeof SETTINGS.headings;
  /** Sent as null when it is empty; else it is left out. */
  readonly isNullable?: boolean;
}

/** The parts of a service's settings, each a form of its own. */
export const SECTIONS = {
  connection: [
    { path: 'title', kind: 'text', isNullable: true },
    { path: 'url', kind: 'text', isNullable: true },
    { path: 'begins', kind: 'choice', options: ['automatic', 'on request'] },
    { path: 'onLoss', kind: 'choice', options: ['delete', 'disable'] },
    { path: 'deleteAfterDays', kind: 'number', isNullable: true },
    { path: 'onGone', kind: 'choice', options: ['recreate', 'drop'] },
  ],
  mapping: [
    { path: 'mapping.groups.default', kind: 'choice', heading: 'mapping', options: ['', 'by name', 'none'] },
    { path: 'mapping.groups.template', kind: 'text' },
    { path: 'mapping.groups.table', kind: 'table' },
    { path: 'mapping.groups.allow', kind: 'lines' },
    { path: 'mapping.groups.deny', kind: 'lines' },
    { path: 'mapping.states.table', kind: 'table' },
    { path: 'mapping.accounts.sharedBy', kind: 'text' },
    { path: 'mapping.reserved', kind: 'lines' },
    { path: 'nameFormat', kind: 'text', heading: 'names', isNullable: true },
    { path: 'nameFormats', kind: 'map' },
    { path: 'nicknameFormat', kind: 'text', isNullable: true },
  ],
  limits: [
    { path: 'budget.limits', kind: 'limits', heading: 'budget' },
    { path: 'budget.routes', kind: 'routes' },
    { path: 'budget.leaveFree', kind: 'number' },
    { path: 'budget.concurrency', kind: 'number' },
    { path: 'maxConcurrency', kind: 'number', isNullable: true },
    { path: 'guard.removal.minimum', kind: 'number', heading: 'guard' },
    { path: 'guard.removal.percent', kind: 'number' },
    { path: 'guard.removal.maximum', kind: 'number' },
    { path: 'guard.disable.minimum', kind: 'number' },
    { path: 'guard.disable.percent', kind: 'number' },
    { path: 'guard.disable.maximum', kind: 'number' },
    { path: 'guard.group removal.minimum', kind: 'number' },
    { path: 'guard.group removal.percent', kind: 'number' },
    { path: 'guard.group removal.maximum', kind: 'number' },
    { path: 'guard.pause', kind: 'flag' },
    { path: 'breaker.failures', kind: 'number', heading: 'breaker' },
    { path: 'breaker.rejections', kind: 'number' },
    { path: 'breaker.accounts', kind: 'number' },
    { path: 'breaker.probeSeconds', kind: 'number' },
    { path: 'breaker.longestProbeSeconds', kind: 'number' },
    { path: 'reconcile.mode', kind: 'choice', heading: 'comparison', options: ['', 'off', 'report', 'repair'] },
    { path: 'orphans.adopt', kind: 'choice', options: ['', 'never', 'by name', 'by email'] },
    { path: 'orphans.unknown', kind: 'choice', options: ['', 'report', 'disable', 'remove'] },
    { path: 'orphans.keep', kind: 'lines' },
    { path: 'firstRun', kind: 'choice', options: ['plan', 'write'] },
  ],
} as const satisfies Readonly<Record<string, readonly Setting[]>>;

export type SectionName = keyof typeof SECTIONS;

type Values = Readonly<Record<string, unknown>>;

/** The fields of one section, filled with what stands, or with what was typed. */
export function settingFields(
  settings: readonly Setting[],
  { values, form, errors }: { readonly values: object; readonly form?: URLSearchParams; readonly errors: Errors },
): Html {
  return html`${settings.map(
    (setting) =>
      html`${setting.heading !== undefined && html`<h2>${SETTINGS.headings[setting.heading]}</h2>`}
      ${settingField(setting, form?.get(setting.path) ?? settingText(setting.kind, at(values as Values, setting.path)), errors)}`,
  )}`;
}

function settingField({ path, kind, options = [] }: Setting, value: string, errors: Errors): Html {
  const { label, hint } = SETTING_TEXTS[path] ?? { label: path };
  const one = { name: path, label, value, error: errors[path], ...(hint === undefined ? {} : { hint }) };
  if (kind === 'flag') return tick({ name: path, label, isTicked: value === 'true' });
  if (kind === 'choice') return pick({ ...one, options: optionsOf(path, options) });
  if (kind === 'number') return field({ ...one, type: 'number' });
  return kind === 'text' ? field(one) : area(one);
}

function optionsOf(path: string, options: readonly string[]) {
  return options.map((value) => ({ value, label: OPTION_TEXTS[path]?.[value] ?? value }));
}

export interface ReadSettings {
  /** As the API takes it. */
  readonly fields: Record<string, unknown>;
  readonly errors: Errors;
}

/** What a form asks for. What a section does not name of an object that it sends stays as it stands. */
export function readSettings(settings: readonly Setting[], form: URLSearchParams, before: object): ReadSettings {
  const fields: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const { path, kind, isNullable = false } of settings) {
    const [root = ''] = path.split('.');
    const read = settingValue(kind, form.get(path) ?? '');
    if ('error' in read) {
      errors[path] = read.error;
      continue;
    }
    if (path === root) {
      const value = read.value ?? (isNullable ? null : emptyOf(kind));
      if (value !== undefined) fields[root] = value;
      continue;
    }
    fields[root] = withValue(
      (fields[root] ?? (before as Values)[root] ?? {}) as Values,
      path.split('.').slice(1),
      read.value,
    );
  }
  return { fields, errors };
}

function emptyOf(kind: SettingKind): unknown {
  return kind === 'map' || kind === 'table' ? {} : undefined;
}

function at(values: Values, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), values);
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null;
}

/** The object with one value set, or taken away where it is undefined; parts that become empty go too. */
function withValue(object: Values, [key = '', ...rest]: readonly string[], value: unknown): Values {
  const own = object[key];
  const inner = rest.length === 0 ? value : withValue(isObject(own) ? own : {}, rest, value);
  const isNothing = inner === undefined || (rest.length > 0 && isObject(inner) && Object.keys(inner).length === 0);
  const others = Object.fromEntries(Object.entries(object).filter(([other]) => other !== key));
  return isNothing ? others : { ...others, [key]: inner };
}
