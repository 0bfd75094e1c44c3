import type { Attributes } from '../domain/words';
import type { LinkedAccount } from './external-accounts';
import type { Secret } from './manager';

/** A person as a hook sees them. */
export interface HookUser {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
  readonly email: string | null;
  readonly active: boolean;
  /** Effective state name. */
  readonly state: string;
  readonly attributes: Attributes;
  readonly groups: readonly string[];
}

/** An account as the service page shows it. */
export interface HookAccount {
  readonly status: 'none' | 'pending' | 'active' | 'disabled' | 'removed';
  readonly name: string | null;
}

/** The answer of a removal: only `deleted` means that this call took something away. */
export type RemovalAnswer = 'deleted' | 'nothing there' | 'failed';

/**
 * The way from a hook into Muster's workflows; handed to every hook, so that hooks need no Temporal. Each call commits
 * the wish and starts or signals the workflow; it resolves when that is safe, not when the work is done (except `remove`).
 */
export interface WorkflowPort {
  start(reason: PortReason, userId: string, options?: PortOptions): Promise<void>;
  /** Requests a bulk sync for these users; undefined = everybody. */
  bulk(kind: 'groups' | 'nicknames', userIds: readonly string[] | undefined): Promise<void>;
  /** Starts the removal and waits for its outcome (bounded by `waitMs`, default 10,000; `failed` after that). */
  remove(userId: string, options: { readonly notifyUser: boolean; readonly waitMs?: number }): Promise<RemovalAnswer>;
  /** Stores the sealed secret and starts the workflow. undefined = generate one, claimed once. */
  password(userId: string, secret: Secret | undefined): Promise<void>;
  /** Grants of this service for this user (union over user, groups, state). */
  granted(userId: string): Promise<boolean>;
  account(userId: string): Promise<HookAccount>;
  /** The account of this type (e.g. `discord`) that the person has linked; undefined = none, or it must be linked anew. */
  linked(userId: string, type: string): Promise<LinkedAccount | undefined>;
}

/** The workflows that a hook can start for one person. */
export type PortReason = 'createAccount' | 'updateGroups' | 'updateProfile' | 'syncNickname' | 'validateUser';
/** `notifyUser`: tell the person if this takes their account away. Default: as the account says. */
export interface PortOptions {
  readonly notifyUser?: boolean;
}

/** What a hook is built with: its service, and the way into the workflows. */
export interface HookContext {
  /** The configured service this hook stands for. */
  readonly service: {
    readonly name: string;
    readonly title: string | undefined;
    readonly url: string | undefined;
    /** Non-secret part of the configuration. */
    readonly settings: Readonly<Record<string, unknown>>;
  };
  readonly port: WorkflowPort;
  /** The module's own tables, made by its `migrations`. */
  readonly storage: ModuleStorage;
}

/** A module's own corner of Muster's database: plain table names mean its own schema. */
export interface ModuleStorage {
  /** Runs one statement in a transaction of its own; parameters as `$1`, `$2`. Answers the rows. */
  query(text: string, values?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** Where the four default buttons lead; an undefined one hides its button. */
export interface ServiceControlUrls {
  readonly activate?: string;
  readonly deactivate?: string;
  readonly resetPassword?: string;
  readonly setPassword?: string;
}

/** Whose row is rendered, with their account and where its buttons lead. */
export interface ServiceControlRequest {
  readonly user: HookUser;
  readonly account: HookAccount;
  readonly urls: ServiceControlUrls;
}

/** What a template is given; every value is escaped by the renderer. */
export interface ServiceControlView {
  readonly serviceName: string;
  readonly serviceUrl: string | undefined;
  readonly username: string | undefined;
  readonly status: HookAccount['status'];
  readonly urls: ServiceControlUrls;
  /** More buttons than the default four. */
  readonly buttons: readonly { readonly label: string; readonly url: string }[];
}
