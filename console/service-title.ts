import { resolveService } from '../api/references';
import { hookFor, INERT_PORT } from '../hooks/service-hooks';
import type { ApiContext } from '../api/context';

/** What a service is called, as its hook says. @throws Problem not-found */
export async function serviceTitle(context: ApiContext, name: string): Promise<string> {
  return hookFor(context.registry, await resolveService(context, name), INERT_PORT).title;
}

/** The same for several, by their names. */
export async function serviceTitles(
  context: ApiContext,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const titles = await Promise.all(
    [...new Set(names)].map(async (name) => [name, await serviceTitle(context, name)] as const),
  );
  return new Map(titles);
}
