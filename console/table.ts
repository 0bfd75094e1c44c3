import { html, safeUrl } from './html';
import { FRAME } from './texts/frame';
import type { Html, Shown } from './html';

/** One column of a table of things. */
export interface Column<T> {
  readonly label: string;
  readonly show: (row: T) => Shown;
  /** Beside the label. */
  readonly head?: Html;
  /** `number`: to the right; `actions`: buttons, no label to be seen. */
  readonly kind?: 'number' | 'actions';
}

export interface TableOptions<T> {
  /** Said to screen readers, and shown above where `isCaptionShown`. */
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  /** In place of an empty table. */
  readonly empty: Shown;
  /** On narrow screens every row becomes a block of its own; without it the table is pushed from side to side. */
  readonly isStacked?: boolean;
}

/** A table, or what is said when there is nothing in it. The first column names the row. */
export function table<T>({ caption, columns, rows, empty, isStacked = false }: TableOptions<T>): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
    <table class="${isStacked && 'by-rows'}">
      <caption class="unseen">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map((column) => heading(column))}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map((column, index) => cell(column, row, index === 0))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function heading<T>({ label, kind, head }: Column<T>): Html {
  const text = kind === 'actions' ? html`<span class="unseen">${label}</span>` : html`${head} ${label}`;
  return html`<th scope="col" class="${kind ?? ''}">${text}</th>`;
}

function cell<T>({ label, show, kind }: Column<T>, row: T, isName: boolean): Html {
  return isName
    ? html`<th scope="row" class="${kind ?? ''}">${show(row)}</th>`
    : html`<td class="${kind ?? ''}" data-label="${label}">${show(row)}</td>`;
}

/** A page of a list as the API answers it. */
export interface Paged<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly cursor?: string;
}

/**
 * The way to the next page of a list, and back to the first. Lists are read by key, so the millionth row costs what the first
 * does; there is no count of pages.
 */
export function pager(url: string, cursor: string | undefined): Html {
  const [path = '', query = ''] = url.split('?');
  const here = new URLSearchParams(query);
  const isFirst = !here.has('cursor');
  const next = new URLSearchParams(here);
  if (cursor !== undefined) next.set('cursor', cursor);
  here.delete('cursor');
  const first = here.size === 0 ? path : `${path}?${here.toString()}`;
  const hasNext = cursor !== undefined;
  if (isFirst && !hasNext) return html``;
  return html`<nav class="pager" aria-label="${FRAME.pages}">
    ${!isFirst && html`<a class="button" href="${safeUrl(first)}">${FRAME.first}</a>`}
    ${hasNext && html`<a class="button" rel="next" href="${safeUrl(`${path}?${next.toString()}`)}">${FRAME.next}</a>`}
  </nav>`;
}
