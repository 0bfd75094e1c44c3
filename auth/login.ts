import { countAttempt, forgetAttempts, uncountAttempt } from '../store/login-attempts';
import { AuthError } from './errors';
import { knownClient } from './known-clients';
import { issueSession } from './tokens';
import type { z } from 'zod';
import type { ClientData } from '../sdk/index';
import type { ErrorItem } from '../store/errors';
import type { Identity } from './identity';
import type { LoadedProvider } from './provider-registry';
import type { IssuedToken, TokenWishes } from './tokens';

export interface LoginRequest {
  /** One provider only. Default: all, in their order. */
  readonly provider?: string | undefined;
  /** The body as it came: each provider's package says what it takes. */
  readonly credentials: Readonly<Record<string, unknown>>;
  /** Where the request came from. */
  readonly address: string;
  readonly wishes: TokenWishes;
}

interface Candidate {
  readonly loaded: LoadedProvider;
  readonly credentials: unknown;
}

/**
 * Logs a client in. Every failure that has to do with the credentials has the same answer and, locally, takes the same time.
 * @throws AuthError wrong-credentials, invalid-package, login-throttled, provider-unavailable; StoreError too-many-sessions
 */
export async function login(identity: Identity, request: LoginRequest): Promise<IssuedToken> {
  const candidates = candidatesOf(identity, request);
  const keys = await throttle(identity, request);
  const { data, loaded } = await authenticate(identity, candidates);
  const client = await knownClient(identity, loaded.name, { data, isLogin: true });
  if (!client.enabled) throw wrongCredentials();
  if (keys.name !== undefined) await forgetAttempts(identity.db, keys.name);
  await uncountAttempt(identity.db, keys.address);
  return issueSession(identity, client, request.wishes);
}

function wrongCredentials(): AuthError {
  return new AuthError('wrong-credentials', 'The credentials are not right.');
}

function candidatesOf({ providers }: Identity, { provider, credentials }: LoginRequest): readonly Candidate[] {
  const asked = providers.providers.filter(({ name }) => provider === undefined || name === provider);
  if (asked.length === 0) {
    if (provider === undefined) throw new AuthError('provider-unavailable', 'No authentication provider is loaded.');
    throw new AuthError('invalid-package', `There is no provider ${provider.slice(0, 100)}.`);
  }
  const errors: ErrorItem[] = [];
  const candidates = asked.flatMap((loaded) => {
    const parsed = loaded.provider.authPackage.safeParse(credentials);
    if (parsed.success) return [{ loaded, credentials: parsed.data }];
    errors.push(...packageErrors(parsed.error));
    return [];
  });
  if (candidates.length > 0) return candidates;
  throw new AuthError('invalid-package', 'The body does not fit what the authentication providers take.', { errors });
}

/** What zod found in a package, as entries with JSON pointers; never a value. */
export function packageErrors(error: z.ZodError): readonly ErrorItem[] {
  return error.issues.flatMap((issue) => {
    const pointer = issue.path.map((key) => `/${String(key)}`).join('');
    if (issue.code !== 'unrecognized_keys') return [{ pointer, detail: issue.message }];
    return issue.keys.map((key) => ({ pointer: `${pointer}/${key.slice(0, 100)}`, detail: 'is not known here' }));
  });
}

interface AttemptKeys {
  readonly name: string | undefined;
  readonly address: string;
}

/** Counted before any password is looked at. Names that nobody has are counted as well: the answer must not tell. */
async function throttle({ db, attempts, fingerprint }: Identity, request: LoginRequest): Promise<AttemptKeys> {
  const name = nameOf(request.credentials);
  const keys = {
    name: name === undefined ? undefined : `name:${fingerprint(`${request.provider ?? ''}/${name}`)}`,
    address: `address:${fingerprint(request.address)}`,
  };
  const waits = [
    await countAttempt(db, keys.address, attempts.byAddress),
    keys.name === undefined ? undefined : await countAttempt(db, keys.name, attempts.byName),
  ];
  const waitS = Math.max(...waits.map((wait) => wait ?? 0));
  if (waitS === 0) return keys;
  throw new AuthError('login-throttled', `Too many failed logins: wait ${waitS} seconds.`, { retryAfterS: waitS });
}

function nameOf(credentials: Readonly<Record<string, unknown>>): string | undefined {
  const given = credentials['username'] ?? credentials['login'] ?? credentials['email'];
  return typeof given === 'string' ? given.normalize('NFC').toLowerCase() : undefined;
}

interface Authenticated {
  readonly data: ClientData;
  readonly loaded: LoadedProvider;
}

/** Asks in order; one that cannot serve or throws is reported and skipped. */
async function authenticate(identity: Identity, candidates: readonly Candidate[]): Promise<Authenticated> {
  let answered = 0;
  for (const { loaded, credentials } of candidates) {
    if (!(await identity.providers.isReady(loaded))) continue;
    try {
      const data = await loaded.provider.authenticate(credentials);
      answered += 1;
      if (data !== undefined) return { data, loaded };
    } catch (error) {
      const reason = error instanceof Error ? error.name : 'unknown';
      // Only the kind of error: its text may quote what was typed.
      identity.log.error({ event: 'auth.provider-failed', provider: loaded.name, reason });
    }
  }
  if (answered > 0) throw wrongCredentials();
  throw new AuthError('provider-unavailable', 'No authentication provider can answer at the moment.', {
    retryAfterS: 5,
  });
}
