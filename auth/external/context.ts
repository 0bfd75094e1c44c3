import type { Logger } from 'pino';
import type { Sealer } from '../../config/sealer';
import type { Database } from '../../store/database';
import type { ExternalPlugins } from './plugins';

/** What linking works with; made once per worker process. */
export interface ExternalContext {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly log: Logger;
  readonly plugins: ExternalPlugins;
  /** Where browsers reach the API, without a slash at the end. */
  readonly publicUrl: string;
  /** Hard end of one call of a plug-in. */
  readonly callTimeoutMs: number;
  /** Calls of one type that the process waits for at once: a site that hangs must leave slots to the others. */
  readonly callsPerType: number;
  /** In [0, 1): spreads retries. */
  readonly random: () => number;
}

/** The address to which other sides send people back. */
export function redirectUrl(publicUrl: string, type: string): string {
  return `${publicUrl}/v1/external/${type}/callback`;
}

/** What a person's credential is sealed for: it opens for no other person and no other type. */
export function credentialPurpose(type: string, userId: string): string {
  return `external:${type}:${userId}`;
}

/** What a part of an authorization is sealed for. */
export function authorizationPurpose(id: string, part: 'args' | 'body' | 'message' | 'start'): string {
  return `authorization:${id}:${part}`;
}

/** Stands in for a service's id where the configuration of a type is sealed. */
export function typeSecretsId(type: string): string {
  return `external/${type}`;
}
