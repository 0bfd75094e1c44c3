import { accountActionRoutes } from './account-actions';
import { accountRoutes } from './accounts';
import { seedAliases } from '../aliases';
import { auditRoutes } from './audit';
import { authClientActRoutes } from './auth-client-acts';
import { authClientRoutes } from './auth-clients';
import { authRoleRoutes } from './auth-roles';
import { authSessionRoutes } from './auth-session';
import { authTokenRoutes } from './auth-tokens';
import { changeRoutes } from './changes';
import { externalAccountRoutes } from './external-accounts';
import { externalCallbackRoutes } from './external-callback';
import { externalTypeRoutes } from './external-types';
import { connectorRoutes } from './connectors';
import { grantRoutes } from './grants';
import { groupRoutes } from './groups';
import { guardRoutes } from './guard';
import { systemRoutes } from './health';
import { importDraftRoutes } from './import-drafts';
import { importRoutes } from './imports';
import { menuRoutes } from './menu';
import { notificationRoutes } from './notifications';
import { oidcLoginRoutes } from './oidc-login';
import { operationRoutes } from './operations';
import { mailPreferenceRoutes } from './mail-preferences';
import { overviewRoutes } from './overview';
import { passwordMailRoutes } from './password-mails';
import { reconciliationRoutes } from './reconciliations';
import { serviceActionRoutes } from './service-actions';
import { serviceStatusRoutes } from './service-status';
import { servicePauseRoutes } from './service-pauses';
import { servicePreviewRoutes } from './service-preview';
import { serviceRoutes } from './services';
import { stateRoutes } from './states';
import { syncEventRoutes } from './sync-events';
import { syncSteeringRoutes } from './sync-steering';
import { syncRoutes } from './syncs';
import { userServiceRoutes } from './user-services';
import { userRoutes } from './users';
import type { Route } from '../route';

const identityRoutes: readonly Route[] = [
  ...authSessionRoutes,
  ...authTokenRoutes,
  ...authClientRoutes,
  ...authClientActRoutes,
  ...authRoleRoutes,
];

const domainRoutes: readonly Route[] = [
  ...userRoutes,
  ...stateRoutes,
  ...overviewRoutes,
  ...connectorRoutes,
  ...serviceRoutes,
  ...servicePauseRoutes,
  ...servicePreviewRoutes,
  ...importRoutes,
  ...importDraftRoutes,
  ...groupRoutes,
  ...grantRoutes,
  ...changeRoutes,
  ...serviceStatusRoutes,
  ...serviceActionRoutes,
  ...accountRoutes,
  ...accountActionRoutes,
  ...syncRoutes,
  ...reconciliationRoutes,
  ...syncSteeringRoutes,
  ...syncEventRoutes,
  ...guardRoutes,
  ...operationRoutes,
  ...notificationRoutes,
  ...userServiceRoutes,
  ...identityRoutes,
  ...seedAliases(identityRoutes),
  ...oidcLoginRoutes,
  ...passwordMailRoutes,
  ...mailPreferenceRoutes,
  ...externalTypeRoutes,
  ...externalAccountRoutes,
  ...externalCallbackRoutes,
  ...menuRoutes,
];

/** The whole table. A new file of routes is named here, and nowhere else. */
export const routes: readonly Route[] = withSystem([...domainRoutes, ...auditRoutes(domainRoutes)]);

function withSystem(others: readonly Route[]): readonly Route[] {
  return [...others, ...systemRoutes(others)];
}
