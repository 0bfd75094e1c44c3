import type { Secret, WorkflowPort } from '@muster/sdk';
import type { Sealer } from '../config/sealer';
import { passwordPurpose } from '../config/service-secrets';
import { newPassword } from '../config/new-password';
import { readAccount } from '../store/accounts';
import { requestAccount } from '../store/account-requests';
import type { Database } from '../store/database';
import type { EngineService } from '../store/engine-services';
import { readEntitlement } from '../store/entitlement';
import { StoreError } from '../store/errors';
import { findExternalAccount } from '../store/external-accounts';
import { waitForOperation } from '../store/operations';
import { requestSync, startNextQueued } from '../store/syncs';
import { wishAccount } from '../store/wish';
import type { Starter } from './starter';

export interface PortDependencies {
  readonly db: Database;
  readonly starter: Starter;
  readonly sealer: Sealer;
}

/** How long a hook's `deleteUser` waits for the removal before it says `failed`. */
const REMOVAL_WAIT_MS = 10_000;

/**
 * The way from a hook of this service into the workflows. `onHandOver` hears of every account that the hook handed on: one
 * that it did not hand on, it has done itself.
 */
export function createPort(
  deps: PortDependencies,
  service: EngineService,
  onHandOver: (userId: string) => void = () => undefined,
): WorkflowPort {
  const actor = `hook:${service.name}`;
  return {
    start: async (reason, userId, options) => {
      onHandOver(userId);
      await wishAccount(deps.db, { serviceId: service.id, userId, reason, notifyUser: options?.notifyUser });
      await deps.starter.account({ service: service.name, userId, reason });
    },
    bulk: async (kind, userIds) => {
      for (const userId of userIds ?? []) onHandOver(userId);
      const scope = userIds === undefined ? {} : { userIds };
      await requestSync(deps.db, { serviceId: service.id, kind, scope, actor });
      const syncId = await startNextQueued(deps.db, service.id);
      if (syncId !== undefined) await deps.starter.sync({ service: service.name, syncId });
    },
    remove: async (userId, options) => {
      onHandOver(userId);
      return removeAccount(deps, service, { userId, actor, ...options });
    },
    password: async (userId, secret) => {
      onHandOver(userId);
      await requestSecret(deps, service, { userId, secret, actor });
    },
    granted: async (userId) => {
      const entitlement = await readEntitlement(deps.db, service.id, userId);
      return entitlement.grantId !== null;
    },
    account: async (userId) => {
      const account = await readAccount(deps.db, service.id, userId);
      return { status: account?.status ?? 'none', name: account?.remoteName ?? null };
    },
    linked: async (userId, type) => {
      const account = await findExternalAccount(deps.db, { userId, type });
      if (account === undefined || account.broken !== null) return undefined;
      const { remoteId, remoteName, scopes } = account;
      return { remoteId: remoteId ?? undefined, remoteName: remoteName ?? undefined, scopes };
    },
  };
}

interface Removal {
  readonly userId: string;
  readonly actor: string;
  readonly notifyUser: boolean;
  readonly waitMs?: number;
}

async function removeAccount(
  deps: PortDependencies,
  service: EngineService,
  removal: Removal,
): Promise<'deleted' | 'nothing there' | 'failed'> {
  const { userId, actor, notifyUser } = removal;
  // Only who still has the right must be remembered as declining it; the others may come back.
  const { entitled } = await readEntitlement(deps.db, service.id, userId);
  try {
    const kind = entitled ? 'deleteAccount' : 'validateUser';
    const requested = await requestAccount(deps.db, { serviceId: service.id, userId, kind, actor, notifyUser });
    if (!requested.due) return 'nothing there';
    await deps.starter.account({ service: service.name, userId, reason: 'deleteAccount' });
    const operation = await waitForOperation(deps.db, requested.operationId, {
      timeoutMs: removal.waitMs ?? REMOVAL_WAIT_MS,
    });
    if (operation?.status !== 'succeeded') return 'failed';
    return (await isTakenAway(deps.db, service.id, userId)) ? 'deleted' : 'failed';
  } catch (error) {
    if (error instanceof StoreError && error.code === 'no-account') return 'nothing there';
    throw error;
  }
}

async function isTakenAway(db: Database, serviceId: string, userId: string): Promise<boolean> {
  const account = await readAccount(db, serviceId, userId);
  return account === undefined || account.status === 'removed' || account.status === 'disabled';
}

async function requestSecret(
  deps: PortDependencies,
  service: EngineService,
  wish: { readonly userId: string; readonly secret: Secret | undefined; readonly actor: string },
): Promise<void> {
  const { userId, secret, actor } = wish;
  const sealed = deps.sealer.seal(secret?.reveal() ?? newPassword(), passwordPurpose(service.id, userId));
  const kind = secret === undefined ? 'resetPassword' : 'setPassword';
  await requestAccount(deps.db, {
    serviceId: service.id,
    userId,
    kind,
    actor,
    password: { sealed, generated: secret === undefined },
  });
  await deps.starter.account({ service: service.name, userId, reason: kind });
}
