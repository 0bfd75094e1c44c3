/** DESIGN's words as types. Pure data: nothing here reads a clock, a database or a network. */

/** A scalar or list attribute of a person, as the roster gave it. */
export type AttributeValue = string | number | boolean | null | readonly string[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** A person. `id` is Muster's own and never changes; `externalId` is the source's stable key. */
export interface User {
  readonly id: string;
  readonly externalId: string | null;
  readonly username: string;
  readonly displayName: string;
  readonly email: string | null;
  readonly active: boolean;
  readonly attributes: Attributes;
  /** The state the source set, if any; the effective state may come from a group or be public. */
  readonly sourceState: string | null;
}

/** A named set of users. */
export interface Group {
  readonly id: string;
  readonly name: string;
}

/** A standing (Member, Blue, Guest are built in). The highest `priority` whose rule applies is the user's state. */
export interface State {
  readonly id: string;
  readonly name: string;
  readonly priority: number;
  /** Applies to everybody. */
  readonly isPublic: boolean;
}

/** Whom a grant names: exactly one of the three. */
export type GrantSubject =
  | { readonly kind: 'user'; readonly id: string }
  | { readonly kind: 'group'; readonly id: string }
  | { readonly kind: 'state'; readonly id: string };

/** How accounts begin on a service. */
export type AccountBegins = 'automatic' | 'on request';

/** What happens when the right to a service is lost. */
export type OnLoss = 'delete' | 'disable';

/** `plan`: until a person has approved one, nothing is written at the far side. */
export type FirstRun = 'plan' | 'write';

/** The life of an account. `none` = wanted, nothing there yet; `removed` = tombstone. */
export type AccountStatus = 'none' | 'pending' | 'active' | 'disabled' | 'removed';

/** Why an account became due. It decides which hook member is called; it never decides what is written. */
export type DueReason =
  | 'createAccount'
  | 'updateGroups'
  | 'updateProfile'
  | 'syncNickname'
  | 'validateUser'
  | 'deleteAccount'
  | 'setPassword'
  | 'resetPassword'
  | 'reconfigured';

/** What a manager offers, derived from its methods. */
export const MANAGER_METHODS = [
  'testConnection',
  'findAccount',
  'listAccounts',
  'listGroups',
  'createAccount',
  'adoptAccount',
  'updateAccount',
  'setNickname',
  'enableAccount',
  'disableAccount',
  'deleteAccount',
  'endSessions',
  'setPassword',
  'setGroups',
  'ensureGroup',
  'renameGroup',
  'removeGroup',
  'changeMembers',
] as const;
export type ManagerMethod = (typeof MANAGER_METHODS)[number];

export type Membership = 'by account' | 'by group' | 'none';
