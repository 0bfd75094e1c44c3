import type { z } from 'zod';
import type { Secret } from './manager';

/** A value that can be written down: what may be handed to a callback that runs later, in another process. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What is kept for a person, sealed as a whole. Everything must be JSON; the named fields are what Muster itself looks at. */
export interface ExternalData {
  readonly accessToken?: string;
  readonly refreshToken?: string;
  /** When the access token ends (ISO 8601); absent: it does not. */
  readonly expiresAt?: string;
  readonly scopes?: readonly string[];
  /** Who the person is over there: never changes. */
  readonly remoteId?: string;
  readonly remoteName?: string;
  /** Whatever else the plug-in keeps. */
  readonly [key: string]: Json | undefined;
}

/** What a redirect brought: the query parameters of the callback, e.g. `code` or `error`. */
export type RedirectMessage = Readonly<Record<string, string>>;

/** One call of a plug-in's method. */
export interface ExternalCall {
  /** Muster's immutable id of the person. */
  readonly userId: string;
  /** Aborted at the deadline and when the worker drains. Pass it to the client. */
  readonly signal: AbortSignal;
}

/** A request of a person, or of somebody for them. `body` is what was sent, not yet looked at. */
export interface ExternalRequest extends ExternalCall {
  readonly body: Json;
}

/** What is shown to the person who starts: where to go, and a code to type there if the other side wants one. */
export interface ExternalStart {
  readonly authorizationUrl?: string;
  readonly code?: string;
  /** More for the caller to show. No secrets. */
  readonly [key: string]: Json | undefined;
}

/** Runs when the redirect has come, maybe in another process than `post`: `args` are those that were registered, the message is last. */
export type OauthCallback = (call: ExternalCall, ...args: Json[]) => Promise<void>;

/** What a plug-in does. Built once for each configured type, in workers only, with its secrets. Absent methods are what it cannot do. */
export interface ExternalResource {
  /** Begins: prepares the other side and answers what to show. */
  post(request: ExternalRequest): Promise<ExternalStart>;
  /** Changes what is linked, e.g. its scopes, where the other side allows it. Answers as `post`. */
  put?(request: ExternalRequest): Promise<ExternalStart>;
  /** Takes the right away at the other side. Runs until it succeeds; what is gone already is a success. */
  revoke?(call: ExternalCall, data: ExternalData): Promise<void>;
  /** New data in place of data that is about to expire. Throw Rejected when the person must authorize again. */
  refresh?(call: ExternalCall, data: ExternalData): Promise<ExternalData>;
  /** Callbacks that `registerOauth2Callback` may name. */
  readonly callbacks?: Readonly<Record<string, OauthCallback>>;
}

/** Muster's side, handed to every plug-in. */
export interface ExternalAuthService {
  /** Stores data for a person who has none. Throws Conflict when there is some. */
  create(userId: string, type: string, data: ExternalData): Promise<void>;
  /** What is stored; undefined = nothing. */
  get(userId: string, type: string): Promise<ExternalData | undefined>;
  /** Stores data in place of what is there, if anything is. */
  update(userId: string, type: string, data: ExternalData): Promise<void>;
  /** Removes what is stored; what the plug-in can revoke is then revoked. */
  delete(userId: string, type: string): Promise<void>;
  /** What a list may show of the data. Without a model it shows `{}`. */
  registerSafeAuthModel(type: string, model: z.ZodType): void;
  /** The address to which the other side sends the person back. It never varies, so it can be registered there as it is. */
  buildOauth2RedirectUrl(type: string): string;
  /**
   * Waits durably, over restarts, for the redirect that carries this state; then calls the callback of that name with the
   * args and the redirect's message. Call it once, within `post` or `put`. The state is good for this person, once.
   */
  registerOauth2Callback(type: string, userId: string, state: string, callback: string, ...args: Json[]): Promise<void>;
}

/** What a resource is built with. */
export interface ExternalDependencies<Config> {
  /** The configured name, e.g. `discord`: the last part of the path. */
  readonly type: string;
  readonly config: Config;
  readonly externalAuth: ExternalAuthService;
}

/** A class that makes the resource of one configured type. */
export type ExternalResourceClass<Config> = new (dependencies: ExternalDependencies<Config>) => ExternalResource;

/** What an external account plug-in declares. */
export interface ExternalDefinition<Config> {
  /** Name of the plug-in: lower case, unique. A type of the same name needs no more than its configuration. */
  readonly plugin: string;
  readonly title: string;
  /** The SDK major this plug-in was written for. */
  readonly sdk: number;
  /** Validates the configuration of one type; unknown keys should be refused (`z.strictObject`). */
  readonly config: z.ZodType<Config>;
  /** Top-level keys of the configuration that are secrets: sealed at rest, never shown. */
  readonly secrets?: readonly (keyof Config & string)[];
  /** Shown to people beside each type, e.g. what it is good for. */
  readonly pluginInfo?: Readonly<Record<string, Json>>;
  readonly resource: ExternalResourceClass<Config>;
  /** Runs before the resource is built, e.g. to register the safe model. */
  readonly load?: (dependencies: { readonly type: string; readonly externalAuth: ExternalAuthService }) => void;
}

const BRAND = Symbol.for('muster.external-accounts');

/** What `defineExternalAccounts` makes and a module exports. */
export type ExternalPlugin = ExternalDefinition<unknown> & { readonly [BRAND]: true };

/** Declares a plug-in for linked external accounts. Export the result from the module's index. */
export function defineExternalAccounts<Config>(definition: ExternalDefinition<Config>): ExternalPlugin {
  // The configuration type is only known inside the plug-in; Muster validates before it builds the resource.
  return { ...definition, [BRAND]: true } as unknown as ExternalPlugin;
}

/** True for what `defineExternalAccounts` made, also by another copy of the SDK. */
export function isExternalPlugin(value: unknown): value is ExternalPlugin {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/** A person's account elsewhere, with which a manager may act for them. */
export interface LinkedCredential extends LinkedAccount {
  /** Good for at least some seconds; hand it straight to the far side. */
  readonly accessToken: Secret;
}

/** A person's account elsewhere, as hooks see it. */
export interface LinkedAccount {
  readonly remoteId: string | undefined;
  readonly remoteName: string | undefined;
  readonly scopes: readonly string[];
}
