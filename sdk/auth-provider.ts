import type { z } from 'zod';

const BRAND = Symbol.for('muster.auth-provider');

/** Who somebody is in the system that vouches for them, so that Muster can find the person: never by name. */
export interface ProvenPerson {
  /** The source's stable key of the person, as in the roster's `externalId`. */
  readonly externalId?: string | undefined;
  /** Counts only when `emailVerified` is true. */
  readonly email?: string | undefined;
  readonly emailVerified?: boolean | undefined;
}

/** What a provider says about one client. Extend it to carry more, and extend `toDict` with what may be shown. */
export class ClientData {
  readonly clientId: string;
  /** What people and logs call it. Default: the id. */
  readonly name: string;
  readonly roles: readonly string[];
  /** Access entries beside those of the roles. Default none. */
  readonly acl: readonly string[];
  /** Shown with the client; no secrets. Default {}. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly person: ProvenPerson | undefined;

  constructor(data: ClientDataFields) {
    this.clientId = data.clientId;
    this.name = data.name ?? data.clientId;
    this.roles = data.roles;
    this.acl = data.acl ?? [];
    this.metadata = data.metadata ?? {};
    this.person = data.person;
  }

  /** What the API shows of it. */
  toDict(): Readonly<Record<string, unknown>> {
    return { clientId: this.clientId, roles: this.roles };
  }
}

/** What `ClientData` is made of. */
export interface ClientDataFields {
  /** The provider's own, stable id of the client. */
  readonly clientId: string;
  readonly name?: string | undefined;
  readonly roles: readonly string[];
  readonly acl?: readonly string[] | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly person?: ProvenPerson | undefined;
}

/** Any schema of a package: the request's body, flat. Give optional fields optional; what does not fit answers 400. */
export type PackageSchema = z.ZodType;

/**
 * One try of a write into the system behind a provider. Muster writes the request down, lets a worker carry it out, and tries
 * again after an outage or the death of a process: a write may have happened although nobody heard of it.
 */
export interface ClientWriteTry {
  /** The same in every try of one request: keep it with what you make, so that the next try knows it again. */
  readonly requestId: string;
  /** 1 = the first: what is there already was not made by this request. */
  readonly attempt: number;
  /** Aborted at the deadline and when the worker drains. Pass it to the client library. */
  readonly signal: AbortSignal;
}

/**
 * A source of identities. Extend it; build everything from the configuration section that the constructor gets. Only
 * `authPackage` and `authenticate` are required: what is not implemented is not offered, and answers 501 with its name.
 * Every method may throw; Muster reports the trouble, skips the provider, and goes on with the others.
 */
export abstract class AuthProvider {
  /** What `authenticate` takes. */
  abstract readonly authPackage: PackageSchema;
  /** Who that is; undefined = the credentials are wrong (throw only for trouble of the provider itself). */
  abstract authenticate(authPackage: unknown): Promise<ClientData | undefined>;

  /** False while it cannot serve: it answers 503 and stands so in the readiness. */
  get initialized(): boolean | Promise<boolean> {
    return true;
  }

  /** What the class implements and this section of the configuration does not allow: it is not offered. */
  readonly switchedOff: readonly AuthAbility[] = [];
  /**
   * What alters nothing outside Muster's own database: it is called at once, where the request came in. Every other write is an
   * operation that a worker carries out and repeats. Throw `Rejected` or `Conflict` when another try would change nothing.
   */
  readonly writesInMuster: readonly AuthAbility[] = [];

  readonly createClientPackage?: PackageSchema;
  readonly clientRegistrationPackage?: PackageSchema;
  readonly updateClientPackage?: PackageSchema;
  readonly selfUpdateClientPackage?: PackageSchema;

  /** Adds a client, as an admin asks. */
  createClient?(createPackage: unknown, write: ClientWriteTry): Promise<ClientData>;
  /** Adds a client, as somebody asks for themselves; offered only where self-registration is switched on. */
  clientSelfRegister?(registrationPackage: unknown, write: ClientWriteTry): Promise<ClientData>;
  enableClient?(clientId: string, write: ClientWriteTry): Promise<void>;
  disableClient?(clientId: string, write: ClientWriteTry): Promise<void>;
  /** "Not there" counts as done. */
  deleteClient?(clientId: string, write: ClientWriteTry): Promise<void>;
  addRoles?(clientId: string, roles: readonly string[], write: ClientWriteTry): Promise<void>;
  deleteRoles?(clientId: string, roles: readonly string[], write: ClientWriteTry): Promise<void>;
  updateClient?(clientId: string, updatePackage: unknown, write: ClientWriteTry): Promise<ClientData>;
  clientSelfUpdate?(clientId: string, updatePackage: unknown, write: ClientWriteTry): Promise<ClientData>;
  listClients?(): Promise<readonly ClientData[]>;
  /** undefined = there is no such client any more. Without it only admins may make further tokens. */
  getClient?(clientId: string): Promise<ClientData | undefined>;
  /** Frees connections at the end of the process. */
  close?(): Promise<void>;
}

/** The abilities that alter a client. */
export const AUTH_WRITES = [
  'createClient',
  'clientSelfRegister',
  'enableClient',
  'disableClient',
  'deleteClient',
  'addRoles',
  'deleteRoles',
  'updateClient',
  'clientSelfUpdate',
] as const;

/** The members of a provider that may be absent, as the API names them. */
export const AUTH_ABILITIES = [...AUTH_WRITES, 'listClients', 'getClient'] as const;

/** One of `AUTH_ABILITIES`. */
export type AuthAbility = (typeof AUTH_ABILITIES)[number];

/** What this provider offers: what its class implements and its configuration allows. */
export function authAbilities(provider: AuthProvider): readonly AuthAbility[] {
  return AUTH_ABILITIES.filter(
    (ability) => typeof provider[ability] === 'function' && !provider.switchedOff.includes(ability),
  );
}

/** One of `AUTH_WRITES`. */
export type AuthWrite = (typeof AUTH_WRITES)[number];

/** What a provider is told about where it runs. */
export interface AuthProviderContext {
  /** The name of its section in the configuration, e.g. `staff`. */
  readonly name: string;
  /** Writes a line to Muster's log; never give it a secret. */
  readonly log: (level: 'info' | 'warn' | 'error', event: string, facts?: Readonly<Record<string, unknown>>) => void;
}

/** What a provider's module declares. */
export interface AuthProviderDefinition<Config> {
  /** The kind, e.g. `ldap`: lower case, unique. */
  readonly kind: string;
  readonly title: string;
  /** The SDK major it was written for. */
  readonly sdk: number;
  /** Validates its section of the configuration; refuse unknown keys (`z.strictObject`). */
  readonly config: z.ZodType<Config>;
  /** The class, not an instance: Muster builds it from the section. */
  readonly provider: new (config: Config, context: AuthProviderContext) => AuthProvider;
}

/** What `defineAuthProvider` makes and a module exports. */
export type AuthProviderModule = AuthProviderDefinition<unknown> & { readonly [BRAND]: true };

/** Declares an authentication provider. Export the result from the module's index. */
export function defineAuthProvider<Config>(definition: AuthProviderDefinition<Config>): AuthProviderModule {
  // The type of the section is only known inside the module; the loader validates before it builds the provider.
  return { ...definition, [BRAND]: true } as unknown as AuthProviderModule;
}

/** True for what `defineAuthProvider` made, also by another copy of the SDK. */
export function isAuthProviderModule(value: unknown): value is AuthProviderModule {
  return typeof value === 'object' && value !== null && BRAND in value;
}
