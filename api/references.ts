import { engineServiceByName } from '../store/engine-services';
import { StoreError } from '../store/errors';
import { findFormerUser } from '../store/former-users';
import { resolveUser } from '../store/users';
import { Problem } from './problem';
import type { EngineService } from '../store/engine-services';
import type { ErrorItem } from '../store/errors';
import type { ApiContext } from './context';

/**
 * Muster's id of the person a `{user}` in a path names (id, `username:ada`, `external:42`), also of one who is gone but
 * left an account behind. @throws StoreError not-found
 */
export async function resolveAccountHolder({ db }: Pick<ApiContext, 'db'>, reference: string): Promise<string> {
  try {
    return await resolveUser(db, reference);
  } catch (error) {
    const former = error instanceof StoreError ? await findFormerUser(db, reference) : undefined;
    if (former === undefined) throw error;
    return former;
  }
}

/** The service a path names. @throws Problem not-found */
export async function resolveService({ db }: Pick<ApiContext, 'db'>, name: string): Promise<EngineService> {
  const service = await engineServiceByName(db, name);
  if (service === undefined) throw new Problem('not-found', `There is no service ${name}.`);
  return service;
}

/** Muster's ids of several people, in order. @throws Problem not-found naming every one that is not there */
export async function resolveUsers(
  context: Pick<ApiContext, 'db'>,
  references: readonly string[],
): Promise<readonly string[]> {
  const userIds: string[] = [];
  const errors: ErrorItem[] = [];
  for (const [index, reference] of references.entries()) {
    try {
      userIds.push(await resolveAccountHolder(context, reference));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      errors.push({ pointer: `/users/${index}`, detail: error.message });
    }
  }
  if (errors.length > 0)
    throw new Problem('not-found', 'Some of the people do not exist; nothing was started.', { errors });
  return userIds;
}
