import { hookOverrides } from '@muster/sdk';
import type { HookMember, ServiceHook, WorkflowPort } from '@muster/sdk';
import type { EngineService } from '../store/engine-services';
import type { PortDependencies } from './port';
import type { ConnectorRegistry } from './registry';
import { hookFor, INERT_PORT } from './service-hooks';

export interface DispatchDependencies extends PortDependencies {
  readonly registry: Pick<ConnectorRegistry, 'get'>;
}

/** A service and its hook as the loaded code makes it. */
export interface HookedService {
  readonly service: EngineService;
  readonly hasManager: boolean;
  readonly overrides: ReadonlySet<HookMember>;
  /** A new instance for every use. */
  readonly build: (port: WorkflowPort) => ServiceHook;
}

/** Members whose override takes the place of starting the workflow. */
const DISPATCHED: readonly HookMember[] = [
  'createAccount',
  'deleteUser',
  'validateUser',
  'updateGroups',
  'updateGroupsBulk',
  'updateProfile',
  'syncNickname',
  'syncNicknamesBulk',
  'setPassword',
  'resetPassword',
];

/** False: its hook only wants the calls. Of a connector that is not loaded nobody knows: its accounts wait for it. */
export function hasManager(deps: Pick<DispatchDependencies, 'registry'>, service: EngineService): boolean {
  const connector = deps.registry.get(service.connector);
  return connector === undefined || connector.manager !== undefined;
}

export function hookedService(deps: Pick<DispatchDependencies, 'registry'>, service: EngineService): HookedService {
  const build = (port: WorkflowPort) => hookFor(deps.registry, service, port);
  return { service, hasManager: hasManager(deps, service), overrides: hookOverrides(build(INERT_PORT)), build };
}

/** True when accounts of this service must go through its hook, because it overrides something or is all there is. */
export function goesThroughHook(hooked: Pick<HookedService, 'hasManager' | 'overrides'>): boolean {
  return !hooked.hasManager || DISPATCHED.some((member) => hooked.overrides.has(member));
}
