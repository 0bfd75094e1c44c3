import { serviceTitle } from './service-title';
import { FRAME } from './texts/frame';
import type { PageRequest } from './page';

interface Head {
  readonly title: string;
  readonly trail: readonly { readonly label: string; readonly url: string }[];
}

/** What stands above a page that a module made: the service whose page it is, else what the menu calls it. */
export async function moduleHead({ url, context, visitor }: PageRequest): Promise<Head> {
  const path = url.split('?')[0] ?? '';
  const service = /^\/services\/([^/]+)\//.exec(path)?.[1];
  if (service !== undefined) {
    const title = await serviceTitle(context, service);
    const trail = visitor.isSignedIn ? [{ label: FRAME.services, url: '/services' }] : [];
    return { title, trail };
  }
  const entry = context.registry.menuItems().find((one) => one.url === path);
  return { title: entry?.label ?? FRAME.modules, trail: [] };
}
