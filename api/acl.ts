import { accessWord } from '../auth/access';
import { resolveUser } from '../store/users';
import { StoreError } from '../store/errors';
import { Problem } from './problem';
import type { Principal } from '../auth/principal';
import type { ApiContext } from './context';
import type { Route } from './route';

type Params = Readonly<Record<string, unknown>>;

/** Routes that need no permission: `public` no token either, `authenticated` any valid one. */
const WITHOUT_PERMISSION = ['public', 'authenticated'];

/** The permission of one request: the route's template with the path's values in it. */
export function permissionOf(route: Pick<Route, 'acl'>, params: Params): string {
  return route.acl.replace(/\{(\w+)\}/g, (_all, key: string) => accessWord(textOf(params[key])));
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/**
 * The path's values with the person in them by id: `me` and every other way to name somebody who exists are the same person
 * to a permission. @throws Problem forbidden when `me` is nobody
 */
export async function namedPeople(
  { db }: Pick<ApiContext, 'db'>,
  principal: Principal,
  params: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const { user } = params;
  if (typeof user !== 'string') return params;
  if (principal.isOneself(user)) return { ...params, user: principal.userId };
  if (user.toLowerCase() === 'me')
    throw new Problem('forbidden', 'Nobody is `me` here: this token belongs to no person.');
  if (!/^(username|external):/i.test(user)) return params;
  try {
    return { ...params, user: await resolveUser(db, user) };
  } catch (error) {
    // Somebody who is gone, or never was: the handler says so, to those who may know.
    if (error instanceof StoreError) return params;
    throw error;
  }
}

/** @throws Problem forbidden */
export async function authorize(
  route: Pick<Route, 'acl' | 'own'>,
  principal: Principal,
  { params, context }: { readonly params: Params; readonly context: ApiContext },
): Promise<void> {
  if (WITHOUT_PERMISSION.includes(route.acl)) return;
  const permission = permissionOf(route, params);
  if (principal.may(permission)) return;
  if (await isOwn(route, principal, { params, context })) return;
  throw new Problem('forbidden', `This needs the permission ${permission}.`);
}

async function isOwn(
  { own }: Pick<Route, 'own'>,
  principal: Principal,
  { params, context }: { readonly params: Params; readonly context: ApiContext },
): Promise<boolean> {
  if (own === undefined || principal.clientId === undefined) return false;
  const owner = await own.ownerOf(context, params);
  const isOwner = owner !== undefined && (owner === principal.userId || owner === principal.clientId);
  return isOwner && principal.may(own.acl);
}

/** All permissions of the API, for the identity system and the documentation. */
export function permissionList(
  routes: readonly Route[],
): readonly { readonly permission: string; readonly route: string }[] {
  return routes
    .filter((route) => !WITHOUT_PERMISSION.includes(route.acl))
    .map((route) => ({ permission: route.acl, route: `${route.method.toUpperCase()} ${route.path}` }));
}
