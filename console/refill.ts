import { escapeHtml } from '../sdk/index';
import { Html } from './html';
import type { ErrorItem } from '../store/errors';

/** A form that was sent, and what is wrong with it. */
export interface SentForm {
  /** Path and query it was sent to. */
  readonly action: string;
  readonly fields: URLSearchParams;
  readonly errors: readonly ErrorItem[];
}

export interface Refilled {
  readonly main: Html;
  /** What is wrong and belongs to no field of the form. */
  readonly rest: readonly ErrorItem[];
}

/**
 * The page a form stands on, with what was typed into it and what is wrong beside the fields. It works on the markup, so that no page
 * has to do anything for it: our templates quote every attribute and escape every value. What is secret is not sent back: fields
 * of passwords and files, and private keys.
 */
export function refilled(main: Html, sent: SentForm): Refilled {
  const found = formIn(main.text, sent);
  if (found === undefined) return { main: new Html(withoutFocus(main.text)), rest: sent.errors };
  const errors = errorsByField(sent.errors, namesIn(found.markup));
  const before = hasFields(found.markup) ? opened(main.text.slice(0, found.at)) : main.text.slice(0, found.at);
  const after = main.text.slice(found.at + found.markup.length);
  const form = filled(found.markup, { fields: sent.fields, errors });
  const [start = '', middle = '', end = ''] = [before, form, after].map(withoutFocus);
  const text = start + focused(middle) + end;
  const placed = new Set([...errors.values()].flat());
  return { main: new Html(text), rest: sent.errors.filter((item) => !placed.has(item)) };
}

interface FoundForm {
  readonly at: number;
  readonly markup: string;
}

/** The form that was sent: by where it leads, and by its hidden fields where several lead there. */
function formIn(markup: string, { action, fields }: SentForm): FoundForm | undefined {
  const target = addressOf(action);
  const leading = [...markup.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/gi)]
    .map((match) => ({ at: match.index, markup: match[0] }))
    .filter(({ markup: form }) =>
      [...form.matchAll(/\s(?:form)?action="([^"]*)"/g)].some(([, url = '']) => addressOf(unescaped(url)) === target),
    );
  return leading.find(({ markup: form }) => hasHidden(form, fields)) ?? leading[0];
}

function hasHidden(form: string, fields: URLSearchParams): boolean {
  const hidden = [...form.matchAll(/<input\b[^>]*>/g)].map(([tag]) => tag).filter((tag) => typeOf(tag) === 'hidden');
  return hidden.every((tag) => {
    const name = attribute(tag, 'name') ?? '';
    return name.startsWith('_') || fields.getAll(name).includes(attribute(tag, 'value') ?? '');
  });
}

/** Addresses that browsers hold for the same read the same. */
function addressOf(url: string): string {
  const base = 'http://here.invalid';
  if (!URL.canParse(url, base)) return url;
  const { pathname, search } = new URL(url, base);
  return pathname + search;
}

type FieldErrors = ReadonlyMap<string, readonly ErrorItem[]>;

/** `/config/host` is the field `config.host`; `/groups/0` is `groups`; `/name` is also `name.<id>`; `/token/lifeS` is also `lifeS`. */
function errorsByField(errors: readonly ErrorItem[], names: readonly string[]): FieldErrors {
  const byField = new Map<string, ErrorItem[]>();
  for (const item of errors) {
    const keys = (item.pointer ?? '').split('/').slice(1);
    const path = keys.join('.');
    const name =
      names.find((one) => one === path) ??
      names.find((one) => path !== '' && one.startsWith(`${path}.`)) ??
      names.filter((one) => path.startsWith(`${one}.`)).sort((a, b) => b.length - a.length)[0] ??
      names.find((one) => one === keys.at(-1));
    if (name !== undefined) byField.set(name, [...(byField.get(name) ?? []), item]);
  }
  return byField;
}

const FIELDS = /<input\b[^>]*>|<textarea\b[^>]*>[\s\S]*?<\/textarea>|<select\b[^>]*>[\s\S]*?<\/select>/g;
/** Inputs that hold nothing a person can be shown again. */
const SILENT: readonly string[] = ['hidden', 'submit', 'button', 'image', 'reset'];

function fieldsIn(form: string): readonly string[] {
  return [...form.matchAll(FIELDS)].map(([markup]) => markup).filter((markup) => !SILENT.includes(typeOf(markup)));
}

function hasFields(form: string): boolean {
  return fieldsIn(form).length > 0;
}

function namesIn(form: string): readonly string[] {
  return [...new Set(fieldsIn(form).map((markup) => attribute(tagOf(markup), 'name') ?? ''))];
}

interface Filling {
  readonly fields: URLSearchParams;
  readonly errors: FieldErrors;
}

function filled(form: string, { fields, errors }: Filling): string {
  const marked = new Set<string>();
  return form.replace(FIELDS, (markup) => {
    const name = attribute(tagOf(markup), 'name');
    if (name === undefined || SILENT.includes(typeOf(markup))) return markup;
    const typed = withValue(markup, fields.getAll(name));
    const wrong = errors.get(name);
    if (wrong === undefined || marked.has(name) || /\saria-invalid="true"/.test(typed)) return typed;
    marked.add(name);
    return withError(typed, wrong.map(({ detail }) => detail).join(' '));
  });
}

function withValue(markup: string, values: readonly string[]): string {
  const type = typeOf(markup);
  if (type === 'password' || type === 'file') return markup;
  if (type === 'checkbox' || type === 'radio') {
    const isChecked = values.includes(attribute(markup, 'value') ?? 'on');
    return withFlag(markup, 'checked', isChecked);
  }
  const [value] = values;
  if (value === undefined) return markup;
  if (type === 'textarea')
    return value.includes('-----BEGIN') ? markup : `${tagOf(markup)}\n${escapeHtml(value)}</textarea>`;
  if (type !== 'select') return withAttribute(markup, 'value', value);
  return markup.replace(/<option\b[^>]*>/g, (option) =>
    withFlag(option, 'selected', values.includes(attribute(option, 'value') ?? '')),
  );
}

/** Marks a field, and says behind it what is wrong. */
function withError(markup: string, text: string): string {
  const tag = tagOf(markup);
  const id = `${attribute(tag, 'id') ?? `field-${attribute(tag, 'name') ?? ''}`}-error`;
  const described = `${attribute(tag, 'aria-describedby') ?? ''} ${id}`.trim();
  const marked = withAttribute(withAttribute(tag, 'aria-invalid', 'true'), 'aria-describedby', described);
  return `${marked}${markup.slice(tag.length)}<p class="error" id="${escapeHtml(id)}">${escapeHtml(text)}</p>`;
}

/** The cursor stands where something is to be mended. */
function focused(form: string): string {
  return form.replace(/<(?:input|textarea|select)\b[^>]*\saria-invalid="true"[^>]*>/, (tag) =>
    withFlag(tag, 'autofocus', true),
  );
}

function withoutFocus(markup: string): string {
  return markup.replace(/(<[^>]*?)\sautofocus(?=[\s/>])/g, '$1');
}

/** A form that stands in a closed question is to be seen. */
function opened(before: string): string {
  const at = before.lastIndexOf('<details');
  if (at < 0 || at < before.lastIndexOf('</details>')) return before;
  const tag = tagOf(before.slice(at));
  return before.slice(0, at) + withFlag(tag, 'open', true) + before.slice(at + tag.length);
}

function tagOf(markup: string): string {
  return markup.slice(0, markup.indexOf('>') + 1);
}

function typeOf(markup: string): string {
  const name = /^<(\w+)/.exec(markup)?.[1] ?? '';
  return name === 'input' ? (attribute(markup, 'type') ?? 'text') : name;
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? undefined : unescaped(value);
}

function withAttribute(tag: string, name: string, value: string): string {
  const without = tag.replace(new RegExp(`\\s${name}="[^"]*"`), '');
  return insert(without, ` ${name}="${escapeHtml(value)}"`);
}

function withFlag(tag: string, name: string, holds: boolean): string {
  const without = tag.replace(new RegExp(`\\s${name}(?=[\\s/>])`), '');
  return holds ? insert(without, ` ${name}`) : without;
}

function insert(tag: string, text: string): string {
  return tag.replace(/\s*\/?>$/, (end) => text + end);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_all, name: string) => ENTITIES[name] ?? '');
}
