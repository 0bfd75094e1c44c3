import type { AccountProfile, NameRules } from '@muster/sdk';
import type { Alteration, Directory, Entry, Values } from './directory';
import type { CallContext } from '@muster/sdk';

/** What differs between directories: object classes, names of attributes, how somebody is kept out. */
export interface Dialect {
  readonly users: KindOfEntry;
  readonly groups: KindOfEntry;
  /** The identity that survives a rename, and is never used again. */
  readonly idAttribute: string;
  /** Its values are bytes. */
  readonly idIsBinary: boolean;
  readonly keyAttribute: string;
  readonly memberAttribute: string;
  /** Stands in a group without members; undefined: a group may be empty. */
  readonly placeholder: string | undefined;
  /** Members are links: the directory keeps them right when an entry is renamed or removed, and shows them as `memberOf`. */
  readonly linksFollow: boolean;
  /** To be read, so that `isEnabled` and `switchTo` can tell. */
  readonly stateAttributes: readonly string[];
  /** undefined: the directory does not tell. */
  isEnabled(entry: Entry): boolean | undefined;
  /** What enables or disables; none = it is so already. */
  switchTo(enabled: boolean, entry: Entry): readonly Alteration[];
  /** The attributes of a person that Muster keeps; those without values are kept empty. */
  attributesOf(profile: AccountProfile): Readonly<Record<string, readonly string[]>>;
  /** What a new person has beside them. */
  newUser(): Values;
  /** What a new group has beside name and key. */
  newGroup(name: string): Values;
  /** What goes along with a group's new name. */
  renameGroup(name: string): readonly Alteration[];
  setPassword(directory: Directory, target: PasswordTarget, call: CallContext): Promise<void>;
}

/** Whose password, and what it becomes. */
export interface PasswordTarget {
  readonly dn: string;
  readonly password: string;
}

/** Where entries of a kind are, and how they are named. */
export interface KindOfEntry {
  readonly base: string;
  readonly objectClass: string;
  /** Names the entry in its DN. */
  readonly rdnAttribute: string;
  /** Holds the name that Muster gave. */
  readonly nameAttribute: string;
  readonly rules: NameRules;
}
