import { hookOverrides, managerAbilities, ServiceHook } from '../sdk/index';
import type { Connector, HookContext, HookMember, ModuleStorage, WorkflowPort } from '../sdk/index';
import type { ManagerMethod, Membership } from '../domain/words';
import type { EngineService } from '../store/engine-services';
import type { ConnectorRegistry } from './registry';

/** What an admin can have done to an account of a service; present exactly when the service can do it. */
export const ADMIN_ACTIONS = [
  'createAccount',
  'deleteAccount',
  'validateUser',
  'updateGroups',
  'updateProfile',
  'syncNickname',
  'setPassword',
  'resetPassword',
] as const;
export type AdminAction = (typeof ADMIN_ACTIONS)[number];

export interface Abilities {
  readonly manager: readonly ManagerMethod[];
  readonly hook: readonly HookMember[];
  readonly actions: readonly AdminAction[];
  readonly membership: Membership;
}

/** A new hook instance for a service. An unknown connector gets the base hook: it can still be shown and explained. */
export function hookFor(
  registry: Pick<ConnectorRegistry, 'get' | 'storageOf'>,
  service: EngineService,
  port: WorkflowPort,
): ServiceHook {
  const context: HookContext = {
    service: {
      name: service.name,
      title: service.title ?? undefined,
      url: service.url ?? undefined,
      settings: service.config,
    },
    port,
    storage: registry.storageOf?.(service.connector) ?? NO_STORAGE,
  };
  return registry.get(service.connector)?.hook?.(context) ?? new ServiceHook(context);
}

const NO_STORAGE: ModuleStorage = {
  query: async () => {
    throw new Error('this hook was built without a database');
  },
};

/** What a service can do, from the methods of its manager class (not built) and the members its hook overrides. */
export function abilitiesOf(registry: Pick<ConnectorRegistry, 'get'>, service: EngineService): Abilities {
  const connector = registry.get(service.connector);
  const manager = managerAbilities(connector?.manager);
  const hook = [...hookOverrides(hookFor(registry, service, INERT_PORT))];
  return {
    manager,
    hook,
    actions: ADMIN_ACTIONS.filter((action) => can(action, manager, hook)),
    membership: membershipOf(connector),
  };
}

/** How group membership is written on this kind of service. */
export function membershipOf(connector: Connector | undefined): Membership {
  return connector?.manager?.membership ?? 'none';
}

const NEEDS: Readonly<
  Record<AdminAction, { readonly manager: readonly ManagerMethod[]; readonly hook: readonly HookMember[] }>
> = {
  createAccount: { manager: ['createAccount'], hook: ['createAccount'] },
  deleteAccount: { manager: ['deleteAccount', 'disableAccount'], hook: ['deleteUser'] },
  validateUser: { manager: ['deleteAccount', 'disableAccount'], hook: ['validateUser', 'deleteUser'] },
  updateGroups: { manager: ['setGroups', 'changeMembers'], hook: ['updateGroups', 'updateGroupsBulk'] },
  updateProfile: { manager: ['updateAccount'], hook: ['updateProfile'] },
  syncNickname: { manager: ['setNickname', 'updateAccount'], hook: ['syncNickname', 'syncNicknamesBulk'] },
  setPassword: { manager: ['setPassword'], hook: ['setPassword'] },
  resetPassword: { manager: ['setPassword'], hook: ['resetPassword'] },
};

function can(action: AdminAction, manager: readonly ManagerMethod[], hook: readonly HookMember[]): boolean {
  return (
    NEEDS[action].manager.some((method) => manager.includes(method)) ||
    NEEDS[action].hook.some((member) => hook.includes(member))
  );
}

const refuse = async (): Promise<never> => {
  throw new Error('this hook was built to be asked what it can do, not to act');
};

/** For reading abilities: a hook that only says what it overrides. */
export const INERT_PORT: WorkflowPort = {
  start: refuse,
  bulk: refuse,
  remove: refuse,
  password: refuse,
  granted: refuse,
  account: refuse,
  linked: refuse,
};
