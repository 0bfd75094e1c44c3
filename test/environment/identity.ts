import pino from 'pino';
import { createIdentity } from '../../auth/setup';
import { configSchema } from '../../config/schema';
import { createSealer, generateKey } from '../../config/sealer';
import { issueSession } from '../../auth/tokens';
import { createClient } from '../../store/auth-clients';
import type { Logger } from 'pino';
import type { Identity } from '../../auth/identity';
import type { Config } from '../../config/schema';
import type { Sealer } from '../../config/sealer';
import type { Database } from '../../store/database';

/** Hashes that cost next to nothing, so that tests are quick. */
const CHEAP = { memoryKiB: 1_024, passes: 1 };

export interface TestIdentityParts {
  readonly log?: Logger;
  readonly sealer?: Sealer;
  readonly publicUrl?: string;
}

/** The identity system of a test. `auth` is what its section of the configuration says. */
export function testIdentity(
  db: Database,
  auth: Readonly<Record<string, unknown>> = {},
  {
    log = pino({ level: 'silent' }),
    sealer = createSealer(generateKey()),
    publicUrl = 'http://muster.test',
  }: TestIdentityParts = {},
): Identity {
  const providers = { local: { config: CHEAP }, ...(auth['providers'] as object | undefined) };
  const { auth: section }: Config = configSchema.parse({ auth: { ...auth, providers } });
  return createIdentity({
    auth: section,
    db,
    sealer,
    log,
    publicUrl,
  });
}

export interface TestClient {
  readonly name?: string;
  readonly roles?: readonly string[];
  readonly acl?: readonly string[];
  readonly userId?: string;
  /** Of the token, default an hour. */
  readonly lifeS?: number;
  /** Of the token, default all of the client. */
  readonly tokenAcl?: readonly string[];
}

let made = 0;

/** A client and a token of it. */
export async function testToken(
  identity: Identity,
  { roles = [], acl = [], userId, name, lifeS = 3_600, tokenAcl }: TestClient,
): Promise<{ readonly token: string; readonly clientId: string; readonly tokenId: string; readonly name: string }> {
  made += 1;
  const called = name ?? `client-${process.pid}-${made}`;
  const fields = { name: called, provider: 'local', providerId: called, userId, roles, acl, metadata: {} };
  const client = await createClient(identity.db, fields);
  const { token, record } = await issueSession(identity, client, { lifeS, acl: tokenAcl });
  return { token, clientId: client.id, tokenId: record.id, name: called };
}
