import { serviceNames } from '../../store/services';
import type { PageRequest } from '../page';

/** Does this visitor see all services, or at least one? Decides where they land and whether they have an overview. */
export async function runsServices({ api, context }: Pick<PageRequest, 'api' | 'context'>): Promise<boolean> {
  if (await api.may('GET /v1/overview')) return true;
  for (const name of await serviceNames(context.db))
    if (await api.may('GET /v1/services/{name}/status', { name })) return true;
  return false;
}
