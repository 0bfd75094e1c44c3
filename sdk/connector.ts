import type { z } from 'zod';
import type { HookContext } from './hook';
import type { ManagerClass } from './manager';
import type { ServiceHook } from './service-hook';

/** Major version of this SDK. A connector made for another major is not loaded. */
export const SDK_VERSION = 1;

const BRAND = Symbol.for('muster.connector');

/** How remote names must look on this kind of service. */
export interface NameRules {
  /** Longest allowed name, in the unit of `lengthUnit`. */
  readonly maxLength: number;
  /** Default `characters`. */
  readonly lengthUnit?: 'bytes' | 'characters';
  /** Turns a formatted name into one that the service takes (case, characters). Must be pure and idempotent. '' = cannot be made. */
  readonly clean: (name: string) => string;
}

/** One step of a module's own tables. Steps run once, in the order of the list; never edit one that was released. */
export interface ConnectorMigration {
  readonly name: string;
  /** Plain SQL, run once inside a transaction with `search_path` set to the module's own schema. */
  readonly sql: string;
}

/** What a connector declares. `kind`, `title`, `sdk` and `config` are required; what is absent is what it cannot do. */
export interface ConnectorDefinition<Config> {
  /** The kind of service, e.g. `postgres`: lower case, unique among loaded connectors. */
  readonly kind: string;
  readonly title: string;
  /** The SDK major this connector was written for. */
  readonly sdk: number;
  /** Validates the configuration of one service; unknown keys should be refused (`z.strictObject`). */
  readonly config: z.ZodType<Config>;
  /** Top-level keys of the configuration that are secrets: sealed at rest, never shown. */
  readonly secrets?: readonly (keyof Config & string)[];
  /** Absent: the hook only wants the calls. */
  readonly manager?: ManagerClass<Config>;
  /** Absent: the base ServiceHook. */
  readonly hook?: (context: HookContext) => ServiceHook;
  readonly names?: NameRules;
  readonly groupNames?: NameRules;
  /** Tables of the module's own, in the PostgreSQL schema `module_<kind>`. */
  readonly migrations?: readonly ConnectorMigration[];
  /** How many calls may run at the same time on one service. Default 8; 1 = serial. */
  readonly maxConcurrency?: number;
}

/** What `defineConnector` makes and a module exports. */
export type Connector = ConnectorDefinition<unknown> & { readonly [BRAND]: true };

/** Declares a connector. Export the result from the module's index. */
export function defineConnector<Config>(definition: ConnectorDefinition<Config>): Connector {
  // The configuration type is only known inside the connector; the loader validates before it builds the manager.
  return { ...definition, [BRAND]: true } as unknown as Connector;
}

/** True for what `defineConnector` made, also by another copy of the SDK. */
export function isConnector(value: unknown): value is Connector {
  return typeof value === 'object' && value !== null && BRAND in value;
}
