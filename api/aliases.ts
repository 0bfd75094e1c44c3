import type { Route } from './route';

const OWN = '/v1/auth';
const SEED = '/builtin/auth';

/** What lowball's clients ask for; everything else of `/v1/auth` is Muster's own. */
const SEED_PATHS =
  /^(|\/tokens(\/all|\/cleanup|\/\{tokenId\})?|\/clients(\/all|\/create|\/register|\/\{client\}(\/(enable|disable|roles(\/\{role\})?))?)?)$/;

/** The routes of the identity system once more, under the paths of the system that they come from. */
export function seedAliases(routes: readonly Route[]): readonly Route[] {
  return routes
    .filter(({ path }) => path.startsWith(OWN) && SEED_PATHS.test(path.slice(OWN.length)))
    .map((route) => ({
      ...route,
      path: `${SEED}${route.path.slice(OWN.length)}`,
      summary: `As ${route.method.toUpperCase()} ${route.path}`,
    }));
}
