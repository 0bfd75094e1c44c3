import { html } from './html';
import { SELECTION } from './texts/frame';
import type { Column } from './table';

/** How a row is ticked. */
export interface Ticked {
  /** What is sent for it. */
  readonly value: string;
  /** What it is called, for who hears it. */
  readonly name: string;
}

/** A column of boxes to tick, all sent as `field`. The one at the head, which ticks all of this page, is there with script only. */
export function selection<T>(field: string, of: (row: T) => Ticked): Column<T> {
  return {
    label: SELECTION.title,
    head: html`<input type="checkbox" data-all="${field}" aria-label="${SELECTION.all}" autocomplete="off" hidden />`,
    show: (row) => {
      const { value, name } = of(row);
      return html`<input type="checkbox" name="${field}" value="${value}" aria-label="${SELECTION.one(name)}" />`;
    },
  };
}
