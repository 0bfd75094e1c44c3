import { abilitiesOf, hookFor } from '../hooks/service-hooks';
import { engineServices } from '../store/engine-services';
import type { AdminAction } from '../hooks/service-hooks';
import type { HookAccount, HookUser, ServiceControlUrls } from '../sdk/hook';
import type { EngineService } from '../store/engine-services';
import type { ApiContext } from './context';

/** One service on a person's services page. */
export interface ServiceRow {
  readonly service: string;
  readonly title: string;
  readonly url: string | null;
  readonly entitled: boolean;
  readonly account: HookAccount;
  /** Where the four default acts lead; absent where the service cannot do it or the person may not. */
  readonly urls: ServiceControlUrls;
  /** The rendered `<tr>`, with everything people typed escaped by the template. */
  readonly html: string;
}

/** The rows that the hooks show to this person, by name. A hook that fails loses its own row and no other. */
export async function serviceRows(context: ApiContext, user: HookUser): Promise<readonly ServiceRow[]> {
  const services = await engineServices(context.db);
  const rows = await Promise.all(
    services.filter((service) => service.enabled).map((service) => rowOrNothing(context, service, user)),
  );
  return rows.filter((row) => row !== undefined);
}

async function rowOrNothing(
  context: ApiContext,
  service: EngineService,
  user: HookUser,
): Promise<ServiceRow | undefined> {
  try {
    return await rowOf(context, service, user);
  } catch (error) {
    context.log.error({ err: error, service: service.name, user: user.id }, 'hook failed to show its service');
    return undefined;
  }
}

async function rowOf(context: ApiContext, service: EngineService, user: HookUser): Promise<ServiceRow | undefined> {
  const port = context.portFor(service);
  const hook = hookFor(context.registry, service, port);
  if (!(await hook.showServiceControl(user, user.state))) return undefined;
  const account = await port.account(user.id);
  const entitled = await hook.serviceActiveForUser(user);
  const urls = urlsOf(abilitiesOf(context.registry, service).actions, {
    service: service.name,
    user: user.id,
    entitled,
  });
  const html = await hook.renderServiceControl({ user, account, urls });
  return { service: service.name, title: hook.title, url: hook.serviceUrl ?? null, entitled, account, urls, html };
}

interface UrlFacts {
  readonly service: string;
  readonly user: string;
  readonly entitled: boolean;
}

function urlsOf(actions: readonly AdminAction[], facts: UrlFacts): ServiceControlUrls {
  const base = `/v1/users/${facts.user}/services/${facts.service}`;
  const can = (action: AdminAction): boolean => actions.includes(action);
  return {
    ...(can('createAccount') && facts.entitled ? { activate: `${base}/activate` } : {}),
    ...(can('deleteAccount') ? { deactivate: `${base}/deactivate` } : {}),
    ...(can('resetPassword') && facts.entitled ? { resetPassword: `${base}/reset-password` } : {}),
    ...(can('setPassword') && facts.entitled ? { setPassword: `${base}/set-password` } : {}),
  };
}
