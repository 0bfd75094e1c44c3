import { StoreError } from '../store/errors';
import { AuthError } from './errors';
import { packageErrors } from './login';
import type { AuthAbility, AuthProvider, PackageSchema } from '../sdk/index';
import type { Identity } from './identity';
import type { LoadedProvider } from './provider-registry';

/** The body of a request, flat, as its provider takes it. */
export type Body = Readonly<Record<string, unknown>>;

/** A provider and what it was asked to do. */
export interface Offering<Ability extends AuthAbility> {
  readonly loaded: LoadedProvider;
  readonly call: NonNullable<AuthProvider[Ability]>;
}

/** The provider of this name, or the first that offers it. @throws AuthError not-offered naming what is not there */
export function offering<Ability extends AuthAbility>(
  identity: Identity,
  name: string | undefined,
  ability: Ability,
): Offering<Ability> {
  const { providers } = identity;
  const loaded =
    name === undefined ? providers.providers.find(({ offers }) => offers.includes(ability)) : providers.get(name);
  if (loaded === undefined) {
    throw name === undefined
      ? new AuthError('not-offered', `No authentication provider offers ${ability}.`)
      : new AuthError('provider-unavailable', `The provider ${name} is not loaded.`);
  }
  const method = loaded.provider[ability];
  if (method === undefined || !loaded.offers.includes(ability))
    throw new AuthError('not-offered', `The provider ${loaded.name} does not offer ${ability}.`);
  return { loaded, call: method.bind(loaded.provider) as NonNullable<AuthProvider[Ability]> };
}

/** The body as the provider's package has it. @throws AuthError invalid-package */
export function packageOf(schema: PackageSchema | undefined, body: Body): unknown {
  if (schema === undefined) return body;
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new AuthError('invalid-package', 'The body does not fit what the authentication provider takes.', {
    errors: packageErrors(parsed.error),
  });
}

/** Refusals pass; everything else is the provider's trouble, and its text may hold anything. */
export async function calling<T>(
  { log, providers }: Identity,
  loaded: LoadedProvider,
  work: () => Promise<T>,
): Promise<T> {
  if (!(await providers.isReady(loaded))) {
    throw new AuthError('provider-unavailable', `The provider ${loaded.name} cannot serve at the moment.`, {
      retryAfterS: 5,
    });
  }
  try {
    return await work();
  } catch (error) {
    if (error instanceof AuthError || error instanceof StoreError) throw error;
    log.error({
      event: 'auth.provider-failed',
      provider: loaded.name,
      reason: error instanceof Error ? error.name : 'unknown',
    });
    throw new AuthError('provider-failed', `The provider ${loaded.name} failed; the log says how.`);
  }
}
