import { html, trusted } from './html';
import type { Html, Shown } from './html';
import type { Visitor } from './page';

/** The names of the hidden fields: the token of the browser, and the page that the form stands on. */
export const TOKEN_FIELD = '_form';
export const PAGE_FIELD = '_page';

/** What a form has of its reader. */
export type FormVisitor = Pick<Visitor, 'formToken' | 'page'>;

export interface FormOptions {
  readonly action: string;
  readonly visitor: FormVisitor;
  readonly body: Shown;
  /** For forms with files. */
  readonly hasFiles?: boolean;
  /** CSS classes. */
  readonly look?: string;
}

/** A form that posts, with its token. Every form that changes something is made here. When it fails, its page is shown again. */
export function postForm({ action, visitor, body, hasFiles = false, look = '' }: FormOptions): Html {
  const encoding = hasFiles ? 'multipart/form-data' : 'application/x-www-form-urlencoded';
  return html`<form method="post" action="${action}" enctype="${encoding}" class="${look}">
    ${hiddenFields(visitor)}${body}
  </form>`;
}

function hiddenFields({ formToken, page }: FormVisitor): Html {
  return html`<input type="hidden" name="${TOKEN_FIELD}" value="${formToken}" />${
      page !== '' && html`<input type="hidden" name="${PAGE_FIELD}" value="${page}" />`
    }`;
}

/** One button that posts. `confirm`: asked first, in words; it works without script as well. */
export function actionButton(
  visitor: FormVisitor,
  button: {
    readonly action: string;
    readonly label: string;
    readonly look?: 'plain' | 'main' | 'danger';
    readonly confirm?: string;
    /** Said to screen readers where the label alone does not tell which. */
    readonly about?: string;
    readonly fields?: Readonly<Record<string, string>>;
  },
): Html {
  const { action, label, look = 'plain', confirm, about, fields = {} } = button;
  const name = about === undefined ? html`` : html`<span class="unseen"> ${about}</span>`;
  const hidden = Object.entries(fields).map(
    ([key, value]) => html`<input type="hidden" name="${key}" value="${value}" />`,
  );
  const submit = html`<button type="submit" class="${look}">${label}${name}</button>`;
  const form = postForm({ action, visitor, look: 'inline', body: [...hidden, submit] });
  if (confirm === undefined) return form;
  return html`<details class="ask">
    <summary class="button ${look}">${label}${name}</summary>
    <div>
      <p>${confirm}</p>
      ${form}
    </div>
  </details>`;
}

/** Puts the token into every form that posts of a hook's markup: hooks know nothing of browsers. */
export function withFormTokens(markup: string, visitor: FormVisitor): Html {
  const hidden = hiddenFields(visitor).text;
  return trusted(markup.replace(/<form\b[^>]*\bmethod\s*=\s*["']?post\b[^>]*>/gi, (form) => form + hidden));
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type?: 'text' | 'password' | 'number' | 'email' | 'search' | 'url' | 'file';
  readonly value?: string;
  readonly hint?: string;
  readonly isRequired?: boolean;
  readonly autocomplete?: string;
  /** What is wrong with what was typed. */
  readonly error?: string | undefined;
  readonly hasFocus?: boolean;
  /** The script fills it from this word of the address's fragment, and hides it then. */
  readonly fromFragment?: string;
}

/** A labelled input with its hint and its error, tied together for screen readers. */
export function field(of: Field): Html {
  const { name, label, type = 'text', value = '', hint, error, autocomplete = 'off' } = of;
  const id = `field-${name}`;
  const described = [hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`].join(' ').trim();
  return html`<div class="field">
    <label for="${id}">${label}</label>
    <input
      id="${id}"
      name="${name}"
      type="${type}"
      value="${value}"
      autocomplete="${autocomplete}"
      aria-describedby="${described}"
      ${of.isRequired === true ? html`required` : ''}
      ${of.hasFocus === true ? html`autofocus` : ''}
      ${error === undefined ? '' : html`aria-invalid="true"`}
      ${of.fromFragment !== undefined && html`data-fragment="${of.fromFragment}"`}
    />
    ${hint !== undefined && html`<p class="hint" id="${id}-hint">${hint}</p>`}
    ${error !== undefined && html`<p class="error" id="${id}-error">${error}</p>`}
  </div>`;
}

/** A labelled choice. */
export function choice(of: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
}): Html {
  const id = `field-${of.name}`;
  return html`<div class="field">
    <label for="${id}">${of.label}</label>
    <select id="${id}" name="${of.name}">
      ${of.options.map(
        ({ value, label }) => html`<option value="${value}" ${value === of.value && html`selected`}>${label}</option>`,
      )}
    </select>
  </div>`;
}
