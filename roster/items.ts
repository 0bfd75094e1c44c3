/** What the parsers of the formats hand on: things with line numbers, not yet validated. */

export type RosterFormat = 'json' | 'ndjson' | 'yaml' | 'csv';

export type RosterItem =
  | { readonly kind: 'user'; readonly line: number; readonly value: unknown }
  | { readonly kind: 'group'; readonly line: number; readonly value: unknown }
  | { readonly kind: 'problem'; readonly line: number; readonly detail: string; readonly of?: 'user' };

/** Takes the text piece by piece, answers what is complete. After `isBroken` nothing more can be read. */
export interface RosterParser {
  push(text: string): readonly RosterItem[];
  end(): readonly RosterItem[];
  readonly isBroken: boolean;
  /** The CSV columns of the header; undefined for formats where every person says what is given. */
  readonly columns?: ReadonlySet<string> | undefined;
}

/** Longest text of one person, in characters: bounds the memory that a file without line ends can take. */
export const MAX_ITEM_LENGTH = 1_048_576;
