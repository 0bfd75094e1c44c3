import { escapeHtml } from '../sdk/index';

/** Markup that is safe to send: it was written by us, or what came from outside was escaped on its way in. */
export class Html {
  constructor(readonly text: string) {}
}

/** What a template takes. `false`, `null` and `undefined` are nothing; text and numbers are escaped; lists are joined. */
export type Shown = Html | string | number | bigint | false | null | undefined | readonly Shown[];

/**
 * A template whose values are escaped, in content and in quoted attributes alike. Markup comes in only as `Html`, so a forgotten
 * escape is a type error or escaped text, never a hole.
 *
 * @example html`<a href="${safeUrl(service.url)}">${service.title}</a>${rows.map((row) => html`<li>${row}</li>`)}`
 * @throws Error where a value stands as an attribute without quotes, which no escaping makes safe
 */
export function html(parts: TemplateStringsArray, ...values: readonly Shown[]): Html {
  const text = parts.map((part, index) => {
    if (index >= values.length) return part;
    if (/[=\s](?:on\w+|style)="[^"]*$/i.test(part) || part.endsWith('='))
      throw new Error('a value stands where escaping does not make it safe: quote the attribute');
    return part + shown(values[index]);
  });
  return new Html(text.join(''));
}

/** Markup from somebody who has escaped it, such as a hook's row. Say who, where this is called. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

/** A URL for `href`: a path of ours or a web address. Anything else, such as `javascript:`, becomes `#`. */
export function safeUrl(url: string): string {
  return /^(https?:\/\/|mailto:|\/(?![/\\])|[#?])/i.test(url) ? url : '#';
}

/** An attribute without a value, where it holds: `<option value="1" ${flag('selected', isChosen)}>`. */
export function flag(name: 'selected' | 'checked' | 'disabled' | 'required' | 'open' | 'hidden', holds: boolean): Html {
  return new Html(holds ? name : '');
}

function shown(value: Shown): string {
  if (value === false || value === null || value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (isList(value)) return value.map(shown).join('');
  return escapeHtml(String(value));
}

function isList(value: Shown): value is readonly Shown[] {
  return Array.isArray(value);
}
