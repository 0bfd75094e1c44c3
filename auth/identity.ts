import type { Logger } from 'pino';
import type { Sealer } from '../config/sealer';
import type { Database } from '../store/database';
import type { AttemptRules } from '../store/login-attempts';
import type { ProviderRegistry } from './provider-registry';

/** Numbers and switches of the identity system. */
export interface IdentitySettings {
  /** Life of a token that asks for none. */
  readonly tokenLifeS: number;
  /** Sessions of one client at the same time. */
  readonly maxSessions: number;
  /** May anybody make a client for themselves? */
  readonly selfRegistration: boolean;
}

/** What the functions of auth/ work with; made once for each process. */
export interface Identity {
  readonly db: Database;
  readonly log: Logger;
  readonly providers: ProviderRegistry;
  /** Seals what waits to be written into the systems behind providers. */
  readonly sealer: Pick<Sealer, 'seal' | 'open'>;
  readonly settings: IdentitySettings;
  /** A keyed hash, so that what people type at the door is kept nowhere. */
  readonly fingerprint: (text: string) => string;
  /** Failed logins under one name, and from one address. */
  readonly attempts: { readonly byName: AttemptRules; readonly byAddress: AttemptRules };
}

/** Life of a token, in seconds. */
export const TOKEN_LIFE_S = { min: 1, max: 10 * 365 * 24 * 3_600 } as const;

const QUARTER_HOUR_S = 15 * 60;
const DAY_S = 24 * 3_600;

/** Five mistakes cost nothing, then 1, 2, 4, ... seconds up to a quarter of an hour; an address may be many people. */
export const ATTEMPTS: Identity['attempts'] = {
  byName: { free: 5, firstWaitS: 1, longestWaitS: QUARTER_HOUR_S, forgetS: DAY_S },
  byAddress: { free: 50, firstWaitS: 1, longestWaitS: QUARTER_HOUR_S, forgetS: 3_600 },
};
