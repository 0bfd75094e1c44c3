import { alterRoles, findClient, updateClient } from '../store/auth-clients';
import { StoreError } from '../store/errors';
import { aclOfClient, aclOfRoles, requireGrantable, requireMayManage } from './client-rights';
import { writeClient } from './client-writes';
import { AuthError } from './errors';
import { calling, offering, packageOf } from './offering';
import { builtIn, PERSON } from './roles';
import type { ClientData } from '../sdk/index';
import type { ClientRecord } from '../store/auth-clients';
import type { Written } from './client-writes';
import type { Identity } from './identity';
import type { Body } from './offering';
import type { Principal } from './principal';

/** Who asks for an alteration, with what they work. */
export interface Acting {
  readonly identity: Identity;
  readonly principal: Principal;
}

export interface NewClientRequest {
  /** Default: the first provider that can add clients. */
  readonly provider?: string | undefined;
  /** The person it belongs to. */
  readonly userId?: string | undefined;
  /** The rest of the body, for the provider; its `roles` and `acl` are checked here. */
  readonly body: Body;
}

const NOBODY = { client: undefined, userId: undefined, roles: [], body: {} } as const;

/**
 * Adds a client at its provider.
 * @throws AuthError not-offered, invalid-package, not-grantable, provider-unavailable, provider-failed; StoreError already-exists, not-acceptable-value
 */
export async function addClient({ identity, principal }: Acting, request: NewClientRequest): Promise<Written> {
  const { body, userId, provider } = request;
  const { loaded } = offering(identity, provider, 'createClient');
  packageOf(loaded.provider.createClientPackage, body);
  requireGrantable(principal, [
    ...(await aclOfRoles(identity.db, textsOf(body['roles']))),
    ...textsOf(body['acl']),
    ...(userId === undefined ? [] : (builtIn(PERSON)?.acl ?? [])),
  ]);
  return writeClient(identity, { ...NOBODY, ability: 'createClient', loaded, userId, body, actor: principal.actor });
}

/** Somebody adds a client for themselves. It gets no roles. @throws AuthError not-offered, invalid-package; StoreError already-exists */
export async function registerClient(
  { identity, principal }: Acting,
  provider: string | undefined,
  body: Body,
): Promise<Written> {
  if (!identity.settings.selfRegistration) throw new AuthError('not-offered', 'Self-registration is switched off.');
  const { loaded } = offering(identity, provider, 'clientSelfRegister');
  packageOf(loaded.provider.clientRegistrationPackage, body);
  return writeClient(identity, { ...NOBODY, ability: 'clientSelfRegister', loaded, body, actor: principal.actor });
}

/** Alters a client at its provider, as an admin asks. @throws as addClient */
export async function alterClient(acting: Acting, client: ClientRecord, body: Body): Promise<Written> {
  const { identity, principal } = acting;
  const { loaded } = offering(identity, client.provider, 'updateClient');
  packageOf(loaded.provider.updateClientPackage, body);
  await requireMayManage(identity.db, principal, client);
  const roles = body['roles'] === undefined ? client.roles : textsOf(body['roles']);
  await aclOfRoles(
    identity.db,
    roles.filter((role) => !client.roles.includes(role)),
  );
  const acl = body['acl'] === undefined ? client.acl : textsOf(body['acl']);
  // What it will hold, not only what is new: a denial that goes is a right that comes.
  requireGrantable(principal, await aclOfClient(identity.db, { ...client, roles, acl }));
  return writeClient(identity, { ...NOBODY, ability: 'updateClient', loaded, client, body, actor: principal.actor });
}

/** A client alters itself. @throws AuthError not-offered, invalid-package, wrong-credentials */
export async function alterOneself({ identity, principal }: Acting, body: Body): Promise<Written> {
  const client = await ownClient(identity, principal);
  const { loaded } = offering(identity, client.provider, 'clientSelfUpdate');
  packageOf(loaded.provider.selfUpdateClientPackage, body);
  const write = { ...NOBODY, ability: 'clientSelfUpdate', loaded, client, body } as const;
  return writeClient(identity, { ...write, actor: principal.actor });
}

/** The caller's own client. @throws StoreError conflict for the installation's admin token, which has none */
export async function ownClient({ db }: Pick<Identity, 'db'>, principal: Principal): Promise<ClientRecord> {
  const client = principal.clientId === undefined ? undefined : await findClient(db, { id: principal.clientId });
  if (client === undefined) throw new StoreError('conflict', 'The admin token belongs to no client.');
  return client;
}

/** Switches a client off: its tokens end first, then its provider is told. */
export async function disableClient({ identity, principal }: Acting, client: ClientRecord): Promise<Written> {
  const { loaded } = offering(identity, client.provider, 'disableClient');
  await requireMayManage(identity.db, principal, client);
  return writeClient(identity, {
    ...NOBODY,
    ability: 'disableClient',
    loaded,
    client,
    actor: principal.actor,
    atOnce: (db) => updateClient(db, client.id, { enabled: false }),
  });
}

/** Switches a client on again; its provider first, so that nobody is let in whom it refuses. */
export async function enableClient({ identity, principal }: Acting, client: ClientRecord): Promise<Written> {
  const { loaded } = offering(identity, client.provider, 'enableClient');
  await requireMayManage(identity.db, principal, client);
  return writeClient(identity, { ...NOBODY, ability: 'enableClient', loaded, client, actor: principal.actor });
}

/** Removes a client with its tokens, here and at its provider; nobody comes in as it from now on. */
export async function removeClient({ identity, principal }: Acting, client: ClientRecord): Promise<Written> {
  const { loaded } = offering(identity, client.provider, 'deleteClient');
  await requireMayManage(identity.db, principal, client);
  return writeClient(identity, {
    ...NOBODY,
    ability: 'deleteClient',
    loaded,
    client,
    actor: principal.actor,
    atOnce: (db) => updateClient(db, client.id, { enabled: false }),
  });
}

/** Gives a client more roles. @throws AuthError not-grantable */
export async function addRoles(
  { identity, principal }: Acting,
  client: ClientRecord,
  roles: readonly string[],
): Promise<Written> {
  const { loaded } = offering(identity, client.provider, 'addRoles');
  await requireMayManage(identity.db, principal, client);
  requireGrantable(principal, await aclOfRoles(identity.db, roles));
  return writeClient(identity, { ...NOBODY, ability: 'addRoles', loaded, client, roles, actor: principal.actor });
}

/** Takes roles from a client: they count no more from now on, whenever its provider hears of it. */
export async function removeRoles(
  { identity, principal }: Acting,
  client: ClientRecord,
  roles: readonly string[],
): Promise<Written> {
  const { loaded } = offering(identity, client.provider, 'deleteRoles');
  await requireMayManage(identity.db, principal, client);
  await requireTakeable(identity, principal, { client, roles });
  return writeClient(identity, {
    ...NOBODY,
    ability: 'deleteRoles',
    loaded,
    client,
    roles,
    actor: principal.actor,
    atOnce: (db) => alterRoles(db, client.id, (held) => held.filter((role) => !roles.includes(role))),
  });
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

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
