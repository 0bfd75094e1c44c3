import type { Logger } from 'pino';
import { createClient, findClient, hasClientWithRole, setLocalPassword } from '../store/auth-clients';
import { ATTEMPTS } from './identity';
import { createPasswordHasher } from './password-hash';
import { loadProviders } from './provider-registry';
import { oidcProvider } from './oidc/provider';
import { ldapProvider } from './providers/ldap';
import { LOCAL, localProvider } from './providers/local';
import { ADMINISTRATOR } from './roles';
import type { Config } from '../config/schema';
import type { Sealer } from '../config/sealer';
import type { Database } from '../store/database';
import type { Identity } from './identity';

export interface SetupOptions {
  readonly auth: Config['auth'];
  readonly db: Database;
  readonly sealer: Pick<Sealer, 'fingerprint' | 'seal' | 'open'>;
  /** Where browsers reach the API. */
  readonly publicUrl: string;
  readonly log: Logger;
}

/** The identity system of this configuration. A provider that does not load is reported, and stops nothing. */
export function createIdentity({ auth, db, sealer, log, publicUrl }: SetupOptions): Identity {
  const sections = Object.entries(auth.providers).map(([name, { kind, enabled, config }]) => ({
    name,
    kind: kind ?? name,
    enabled,
    config,
  }));
  return {
    db,
    log,
    sealer,
    providers: loadProviders({
      builtIn: [localProvider(db), ldapProvider, oidcProvider({ db, sealer, publicUrl })],
      sections,
      order: auth.order,
      folders: auth.folders,
      packages: auth.packages,
      log,
    }),
    settings: {
      tokenLifeS: auth.tokenLifeS,
      maxSessions: auth.maxSessions,
      selfRegistration: auth.selfRegistration,
    },
    fingerprint: (text) => sealer.fingerprint(text, 'login'),
    attempts: ATTEMPTS,
  };
}

/** The strongest cost that does not slow a start down. */
const FIRST_ADMIN_COST = { memoryKiB: 19_456, passes: 2 };

/**
 * Makes the first administrator from the configuration, once: when a password is given and nobody is administrator yet. There
 * is no default password; without one the admin token of the installation is the way in.
 */
export async function ensureFirstAdmin({ auth, db, log }: Pick<SetupOptions, 'auth' | 'db' | 'log'>): Promise<void> {
  const { adminName: name, adminPassword: password } = auth;
  if (password === undefined || (await hasClientWithRole(db, ADMINISTRATOR))) return;
  if ((await findClient(db, { provider: LOCAL, name })) !== undefined) {
    log.error(
      { event: 'auth.first-admin-name-taken' },
      'the name of the first administrator is taken by another client',
    );
    return;
  }
  const hash = await createPasswordHasher(FIRST_ADMIN_COST).hash(password);
  const roles = [ADMINISTRATOR];
  const made = await createClient(db, {
    name,
    provider: LOCAL,
    providerId: name.toLowerCase(),
    roles,
    acl: [],
    metadata: {},
  });
  await setLocalPassword(db, made.id, hash);
  log.info({ event: 'auth.first-admin', client: made.id });
}
