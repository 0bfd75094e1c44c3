import { html, flag } from '../html';
import type { Html } from '../html';

/** A labelled field of several lines. */
export function area(of: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
}): Html {
  const { name, label, value, hint, error } = of;
  const id = `field-${name}`;
  const described = [hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`].join(' ').trim();
  const rows = Math.min(12, Math.max(2, value.split('\n').length + 1));
  return html`<div class="field">
    <label for="${id}">${label}</label>
    <textarea
      id="${id}"
      name="${name}"
      rows="${rows}"
      spellcheck="false"
      aria-describedby="${described}"
      ${error === undefined ? '' : html`aria-invalid="true"`}
    >
${value}</textarea>
    ${hint !== undefined && html`<p class="hint" id="${id}-hint">${hint}</p>`}
    ${error !== undefined && html`<p class="error" id="${id}-error">${error}</p>`}
  </div>`;
}

/** A labelled choice with its hint and its error. */
export function pick(of: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
}): Html {
  const { name, label, value, options, hint, error } = of;
  const id = `field-${name}`;
  const described = [hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`].join(' ').trim();
  return html`<div class="field">
    <label for="${id}">${label}</label>
    <select
      id="${id}"
      name="${name}"
      aria-describedby="${described}"
      ${error !== undefined && html`aria-invalid="true"`}
    >
      ${options.map((one) => html`<option value="${one.value}" ${flag('selected', one.value === value)}>${one.label}</option>`)}
    </select>
    ${hint !== undefined && html`<p class="hint" id="${id}-hint">${hint}</p>`}
    ${error !== undefined && html`<p class="error" id="${id}-error">${error}</p>`}
  </div>`;
}

/** A labelled box to tick. */
export function tick(of: {
  readonly name: string;
  readonly label: string;
  readonly isTicked?: boolean;
  readonly value?: string;
}): Html {
  const id = `field-${of.name}`;
  return html`<div class="field tick">
    <input
      type="checkbox"
      id="${id}"
      name="${of.name}"
      value="${of.value ?? 'true'}"
      ${flag('checked', of.isTicked === true)}
    />
    <label for="${id}">${of.label}</label>
  </div>`;
}
