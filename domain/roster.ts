/** One person of a roster, validated. */
import type { Attributes } from './words';

/**
 * A field that is `undefined` was not given: an existing person keeps what they have, a new one gets the default. `null`
 * (or an empty list) was given and means: none.
 */
export interface RosterUser {
  /** Line of the file where the person begins, from 1. */
  readonly line: number;
  readonly externalId: string | undefined;
  readonly username: string;
  readonly displayName: string | undefined;
  readonly email: string | null | undefined;
  readonly active: boolean | undefined;
  /** Name of a state that exists. */
  readonly state: string | null | undefined;
  readonly attributes: Attributes | undefined;
  readonly groups: readonly string[] | undefined;
}

/** `replace`: the roster is the whole truth, who is missing is deactivated. `merge`: it adds and alters, and takes nothing away by silence. */
export type RosterMode = 'replace' | 'merge';

/** Some people of a roster, as the text of a JSON list: the database reads it, nobody else needs to. */
export interface RosterBatch {
  readonly text: string;
  /** How many people the list has. */
  readonly size: number;
}
