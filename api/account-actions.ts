import { passwordPurpose } from '../config/service-secrets';
import { newPassword } from '../config/new-password';
import { abilitiesOf } from '../hooks/service-hooks';
import { requestAccount } from '../store/account-requests';
import { Problem } from './problem';
import { resolveAccountHolder, resolveService } from './references';
import type { AdminAction } from '../hooks/service-hooks';
import type { EngineService } from '../store/engine-services';
import type { ApiContext } from './context';
import type { RequestFacts } from './route';

/** @throws Problem not-supported, naming what the service can do */
export function requireAction(
  context: Pick<ApiContext, 'registry'>,
  service: EngineService,
  action: AdminAction,
): void {
  const { actions } = abilitiesOf(context.registry, service);
  if (actions.includes(action)) return;
  const can = actions.length === 0 ? 'it can do none of the account actions' : `it can: ${actions.join(', ')}`;
  throw new Problem('not-supported', `The service ${service.name} cannot do ${action}; ${can}.`);
}

export interface AccountAction {
  /** Name of the service and reference of the person, as in the path. */
  readonly service: string;
  readonly user: string;
  readonly action: AdminAction;
  readonly reason?: string | undefined;
  readonly notifyUser?: boolean | undefined;
  /** The chosen password, for `setPassword`. */
  readonly password?: string | undefined;
}

/** Commits what is asked for one account, sends it on its way, and answers its operation. */
export async function requestAction(
  request: Pick<RequestFacts, 'context' | 'principal'>,
  wanted: AccountAction,
): Promise<string> {
  const { context, principal } = request;
  const service = await resolveService(context, wanted.service);
  requireAction(context, service, wanted.action);
  const userId = await resolveAccountHolder(context, wanted.user);
  const requested = await requestAccount(context.db, {
    serviceId: service.id,
    userId,
    kind: wanted.action,
    actor: principal.actor,
    reason: wanted.reason,
    notifyUser: wanted.notifyUser,
    password: sealedPassword(context, wanted, { serviceId: service.id, userId }),
  });
  if (requested.due) await context.flow.accountDue(service.id, userId);
  return requested.operationId;
}

/** Sealed before anything is stored or sent; the plain text lives no longer than this request (rule 7). */
function sealedPassword(
  context: Pick<ApiContext, 'sealer'>,
  wanted: AccountAction,
  account: { readonly serviceId: string; readonly userId: string },
): { readonly sealed: Buffer; readonly generated: boolean } | undefined {
  if (wanted.action !== 'setPassword' && wanted.action !== 'resetPassword') return undefined;
  const generated = wanted.password === undefined;
  const purpose = passwordPurpose(account.serviceId, account.userId);
  return { sealed: context.sealer.seal(wanted.password ?? newPassword(), purpose), generated };
}
