import { deleteClient, findClient, updateClient } from '../store/auth-clients';
import { StoreError } from '../store/errors';
import { aclOfClient, aclOfRoles, requireGrantable, requireMayManage } from './client-rights';
import { AuthError } from './errors';
import { knownClient } from './known-clients';
import { packageErrors } from './login';
import { LOCAL } from './providers/local';
import { builtIn, PERSON } from './roles';
import type { AuthAbility, AuthProvider, ClientData, PackageSchema } from '../sdk/index';
import type { ClientRecord } from '../store/auth-clients';
import type { Identity } from './identity';
import type { LoadedProvider } from './provider-registry';
import type { Principal } from './principal';

/** Who asks for an alteration, with what they work. */
export interface Acting {
  readonly identity: Identity;
  readonly principal: Principal;
}

type Body = Readonly<Record<string, unknown>>;

export interface NewClientRequest {
  /** Default: the first provider that can add clients. */
  readonly provider?: string | undefined;
  /** The person it belongs to. */
  readonly userId?: string | undefined;
  /** The rest of the body, for the provider; its `roles` and `acl` are checked here. */
  readonly body: Body;
}

/**
 * Adds a client at its provider.
 * @throws AuthError not-offered, invalid-package, not-grantable, provider-failed; StoreError already-exists, not-acceptable-value
 */
export async function addClient({ identity, principal }: Acting, request: NewClientRequest): Promise<ClientRecord> {
  const { loaded, call } = offering(identity, request.provider, 'createClient');
  const given = packageOf(loaded.provider.createClientPackage, request.body);
  requireGrantable(principal, [
    ...(await aclOfRoles(identity.db, textsOf(request.body['roles']))),
    ...textsOf(request.body['acl']),
    ...(request.userId === undefined ? [] : (builtIn(PERSON)?.acl ?? [])),
  ]);
  const data = await calling(identity, loaded, () => call(given));
  const client = await knownClient(identity, loaded.name, { data, isLogin: false });
  return request.userId === undefined ? client : updateClient(identity.db, client.id, { userId: request.userId });
}

/** Somebody adds a client for themselves. It gets no roles. @throws AuthError not-offered, invalid-package; StoreError already-exists */
export async function registerClient(
  identity: Identity,
  provider: string | undefined,
  body: Body,
): Promise<ClientRecord> {
  if (!identity.settings.selfRegistration) throw new AuthError('not-offered', 'Self-registration is switched off.');
  const { loaded, call } = offering(identity, provider, 'clientSelfRegister');
  const given = packageOf(loaded.provider.clientRegistrationPackage, body);
  const data = await calling(identity, loaded, () => call(given));
  return knownClient(identity, loaded.name, { data, isLogin: false });
}

/** Alters a client at its provider, as an admin asks. @throws as addClient */
export async function alterClient(acting: Acting, client: ClientRecord, body: Body): Promise<ClientRecord> {
  const { identity, principal } = acting;
  const { loaded, call } = offering(identity, client.provider, 'updateClient');
  const given = packageOf(loaded.provider.updateClientPackage, body);
  await requireMayManage(identity.db, principal, client);
  const roles = body['roles'] === undefined ? client.roles : textsOf(body['roles']);
  await aclOfRoles(
    identity.db,
    roles.filter((role) => !client.roles.includes(role)),
  );
  const acl = body['acl'] === undefined ? client.acl : textsOf(body['acl']);
  // What it will hold, not only what is new: a denial that goes is a right that comes.
  requireGrantable(principal, await aclOfClient(identity.db, { ...client, roles, acl }));
  const data = await calling(identity, loaded, () => call(client.providerId, given));
  return knownClient(identity, loaded.name, { data, isLogin: false });
}

/** A client alters itself. @throws AuthError not-offered, invalid-package, wrong-credentials */
export async function alterOneself({ identity, principal }: Acting, body: Body): Promise<ClientRecord> {
  const client = await ownClient(identity, principal);
  const { loaded, call } = offering(identity, client.provider, 'clientSelfUpdate');
  const given = packageOf(loaded.provider.selfUpdateClientPackage, body);
  const data = await calling(identity, loaded, () => call(client.providerId, given));
  return knownClient(identity, loaded.name, { data, isLogin: false });
}

/** The caller's own client. @throws StoreError conflict for the installation's admin token, which has none */
export async function ownClient({ db }: Pick<Identity, 'db'>, principal: Principal): Promise<ClientRecord> {
  const client = principal.clientId === undefined ? undefined : await findClient(db, { id: principal.clientId });
  if (client === undefined) throw new StoreError('conflict', 'The admin token belongs to no client.');
  return client;
}

/** Switches a client off: its tokens end first, then its provider is told. */
export async function disableClient({ identity, principal }: Acting, client: ClientRecord): Promise<void> {
  const { loaded, call } = offering(identity, client.provider, 'disableClient');
  await requireMayManage(identity.db, principal, client);
  await updateClient(identity.db, client.id, { enabled: false });
  await calling(identity, loaded, () => call(client.providerId));
}

/** Switches a client on again; its provider first, so that nobody is let in whom it refuses. */
export async function enableClient({ identity, principal }: Acting, client: ClientRecord): Promise<void> {
  const { loaded, call } = offering(identity, client.provider, 'enableClient');
  await requireMayManage(identity.db, principal, client);
  await calling(identity, loaded, () => call(client.providerId));
  await updateClient(identity.db, client.id, { enabled: true });
}

/** Removes a client with its tokens, here and at its provider. */
export async function removeClient({ identity, principal }: Acting, client: ClientRecord): Promise<void> {
  const { loaded, call } = offering(identity, client.provider, 'deleteClient');
  await requireMayManage(identity.db, principal, client);
  await updateClient(identity.db, client.id, { enabled: false });
  await calling(identity, loaded, () => call(client.providerId));
  await deleteClient(identity.db, client.id);
}

/** Gives a client more roles. @throws AuthError not-grantable */
export async function addRoles(
  { identity, principal }: Acting,
  client: ClientRecord,
  roles: readonly string[],
): Promise<void> {
  const { loaded, call } = offering(identity, client.provider, 'addRoles');
  await requireMayManage(identity.db, principal, client);
  requireGrantable(principal, await aclOfRoles(identity.db, roles));
  await calling(identity, loaded, () => call(client.providerId, roles));
  if (loaded.name === LOCAL) return;
  await updateClient(identity.db, client.id, { roles: [...new Set([...client.roles, ...roles])] });
}

/** Takes roles from a client. */
export async function removeRoles(
  { identity, principal }: Acting,
  client: ClientRecord,
  roles: readonly string[],
): Promise<void> {
  const { loaded, call } = offering(identity, client.provider, 'deleteRoles');
  await requireMayManage(identity.db, principal, client);
  await requireTakeable(identity, principal, { client, roles });
  await calling(identity, loaded, () => call(client.providerId, roles));
  if (loaded.name === LOCAL) return;
  await updateClient(identity.db, client.id, { roles: client.roles.filter((role) => !roles.includes(role)) });
}

/** A role may deny something: who takes it away must hold what the client can do without it. */
async function requireTakeable(
  { db }: Identity,
  principal: Principal,
  { client, roles }: { readonly client: ClientRecord; readonly roles: readonly string[] },
): Promise<void> {
  const left = client.roles.filter((role) => !roles.includes(role));
  requireGrantable(principal, await aclOfClient(db, { ...client, roles: left }));
}

/** Says which person a login belongs to, or that it belongs to none. @throws AuthError not-grantable, StoreError not-found */
export async function linkClient(
  { identity, principal }: Acting,
  client: ClientRecord,
  userId: string | null,
): Promise<ClientRecord> {
  await requireMayManage(identity.db, principal, client);
  if (userId !== null) requireGrantable(principal, builtIn(PERSON)?.acl ?? []);
  return updateClient(identity.db, client.id, { userId });
}

/** Clients as a provider itself lists them. @throws AuthError not-offered */
export async function clientsOfProvider(identity: Identity, provider: string): Promise<readonly ClientData[]> {
  const { loaded, call } = offering(identity, provider, 'listClients');
  return calling(identity, loaded, () => call());
}

interface Offering<Ability extends AuthAbility> {
  readonly loaded: LoadedProvider;
  readonly call: NonNullable<AuthProvider[Ability]>;
}

/** @throws AuthError not-offered naming what is not there */
function offering<Ability extends AuthAbility>(
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
  if (method === undefined)
    throw new AuthError('not-offered', `The provider ${loaded.name} does not offer ${ability}.`);
  return { loaded, call: method.bind(loaded.provider) as NonNullable<AuthProvider[Ability]> };
}

function packageOf(schema: PackageSchema | undefined, body: Body): unknown {
  if (schema === undefined) return body;
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new AuthError('invalid-package', 'The body does not fit what the authentication provider takes.', {
    errors: packageErrors(parsed.error),
  });
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** Refusals pass; everything else is the provider's trouble, and its text may hold anything. */
async function calling<T>({ log, providers }: Identity, loaded: LoadedProvider, work: () => Promise<T>): Promise<T> {
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
