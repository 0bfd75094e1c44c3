import { serveAssets } from './assets';
import { modulePages } from './module-pages';
import { createPages } from './mount';
import { allPages } from './pages';
import type { ApiContext } from '../api/context';
import type { Door } from '../api/identify';
import type { Route } from '../api/route';
import type { Mounted } from '../api/serve';

export interface ConsoleParts extends Door {
  readonly context: ApiContext;
  readonly routes: readonly Route[];
  readonly checkAnswers?: boolean;
}

/**
 * The console as an API process mounts it, in place of the bare routes of hooks: assets, pages, pages of modules, no such page. What
 * the API says to browsers stands in the same frame.
 */
export function consoleMounts(parts: ConsoleParts): Mounted {
  const pages = createPages({ ...parts, pages: allPages(parts.authenticator) });
  return { handlers: [serveAssets(), pages.serve, modulePages({ ...parts, pages }), pages.missing], say: pages.say };
}
