import { Problem } from './problem';
import type { Principal } from '../auth/principal';
import type { Route } from './route';

/** The permission of one request: the route's template with the path's values in it. */
export function permissionOf(route: Pick<Route, 'acl'>, params: Readonly<Record<string, unknown>>): string {
  return route.acl.replace(/\{(\w+)\}/g, (_all, key: string) => textOf(params[key]).replaceAll('.', '%2E'));
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '*';
}

/** @throws Problem forbidden */
export function authorize(
  route: Pick<Route, 'acl'>,
  principal: Principal,
  params: Readonly<Record<string, unknown>>,
): void {
  const permission = permissionOf(route, params);
  if (!principal.may(permission)) throw new Problem('forbidden', `This needs the permission ${permission}.`);
}

/** All permissions of the API, for the identity system and the documentation. */
export function permissionList(
  routes: readonly Route[],
): readonly { readonly permission: string; readonly route: string }[] {
  return routes
    .filter((route) => route.acl !== 'public')
    .map((route) => ({ permission: route.acl, route: `${route.method.toUpperCase()} ${route.path}` }));
}
