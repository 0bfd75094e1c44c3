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
  /** Where the four default acts lead; absent where the service cannot do it (now), or the person may not. */
  readonly urls: ServiceControlUrls;
  /** The rendered `<tr>`, with everything people typed escaped by the template. */
  readonly html: string;
}

/** The four default acts, by the last word of their address. */
export type ServiceVerb = 'activate' | 'deactivate' | 'reset-password' | 'set-password';

/** What each of them asks of the service. */
export const ACTION_OF_VERB: Readonly<Record<ServiceVerb, AdminAction>> = {
  activate: 'createAccount',
  deactivate: 'deleteAccount',
  'reset-password': 'resetPassword',
  'set-password': 'setPassword',
};

const PASSWORD_VERBS: readonly ServiceVerb[] = ['reset-password', 'set-password'];

/** Where a button leads; undefined: it is not shown. Default: the routes of the API. */
export type ServiceButton = (service: string, verb: ServiceVerb) => Promise<string | undefined>;

/** The rows that the hooks show to this person, by name. A hook that fails loses its own row and no other. */
export async function serviceRows(
  context: ApiContext,
  user: HookUser,
  buttonTo: ServiceButton = async (service, verb) => `/v1/users/${user.id}/services/${service}/${verb}`,
): Promise<readonly ServiceRow[]> {
  const services = await engineServices(context.db);
  const rows = await Promise.all(
    services.filter((service) => service.enabled).map((service) => rowOrNothing({ context, user, buttonTo }, service)),
  );
  return rows.filter((row) => row !== undefined);
}

interface Showing {
  readonly context: ApiContext;
  readonly user: HookUser;
  readonly buttonTo: ServiceButton;
}

async function rowOrNothing(showing: Showing, service: EngineService): Promise<ServiceRow | undefined> {
  try {
    return await rowOf(showing, service);
  } catch (error) {
    const { context, user } = showing;
    context.log.error({ err: error, service: service.name, user: user.id }, 'hook failed to show its service');
    return undefined;
  }
}

async function rowOf(showing: Showing, service: EngineService): Promise<ServiceRow | undefined> {
  const { context, user } = showing;
  const port = context.portFor(service);
  const hook = hookFor(context.registry, service, port);
  if (!(await hook.showServiceControl(user, user.state))) return undefined;
  const account = await port.account(user.id);
  const entitled = await hook.serviceActiveForUser(user);
  const urls = await urlsOf(showing, service, { entitled, isPending: account.status === 'pending' });
  const html = await hook.renderServiceControl({ user, account, urls });
  return { service: service.name, title: hook.title, url: hook.serviceUrl ?? null, entitled, account, urls, html };
}

async function urlsOf(
  { context, buttonTo }: Showing,
  service: EngineService,
  { entitled, isPending }: { readonly entitled: boolean; readonly isPending: boolean },
): Promise<ServiceControlUrls> {
  const { actions } = abilitiesOf(context.registry, service);
  const urlOf = async (verb: ServiceVerb): Promise<string | undefined> => {
    if (!actions.includes(ACTION_OF_VERB[verb])) return undefined;
    if (!entitled && verb !== 'deactivate') return undefined;
    // A hook's own row need not know that an account which waits for its person has no password.
    if (isPending && PASSWORD_VERBS.includes(verb)) return undefined;
    return buttonTo(service.name, verb);
  };
  const [activate, deactivate, resetPassword, setPassword] = await Promise.all([
    urlOf('activate'),
    urlOf('deactivate'),
    urlOf('reset-password'),
    urlOf('set-password'),
  ]);
  return {
    ...(activate === undefined ? {} : { activate }),
    ...(deactivate === undefined ? {} : { deactivate }),
    ...(resetPassword === undefined ? {} : { resetPassword }),
    ...(setPassword === undefined ? {} : { setPassword }),
  };
}
