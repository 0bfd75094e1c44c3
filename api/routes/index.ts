import { accountActionRoutes } from './account-actions';
import { accountRoutes } from './accounts';
import { changeRoutes } from './changes';
import { connectorRoutes } from './connectors';
import { grantRoutes } from './grants';
import { groupRoutes } from './groups';
import { guardRoutes } from './guard';
import { systemRoutes } from './health';
import { importRoutes } from './imports';
import { menuRoutes } from './menu';
import { notificationRoutes } from './notifications';
import { operationRoutes } from './operations';
import { reconciliationRoutes } from './reconciliations';
import { serviceActionRoutes } from './service-actions';
import { serviceStatusRoutes } from './service-status';
import { servicePauseRoutes } from './service-pauses';
import { serviceRoutes } from './services';
import { stateRoutes } from './states';
import { syncEventRoutes } from './sync-events';
import { syncSteeringRoutes } from './sync-steering';
import { syncRoutes } from './syncs';
import { userServiceRoutes } from './user-services';
import { userRoutes } from './users';
import type { Route } from '../route';

const domainRoutes: readonly Route[] = [
  ...userRoutes,
  ...stateRoutes,
  ...connectorRoutes,
  ...serviceRoutes,
  ...servicePauseRoutes,
  ...importRoutes,
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
  ...menuRoutes,
];

/** The whole table. A new file of routes is named here, and nowhere else. */
export const routes: readonly Route[] = [...domainRoutes, ...systemRoutes(domainRoutes)];
