import { accountActionRoutes } from './account-actions';
import { accountRoutes } from './accounts';
import { guardRoutes } from './guard';
import { systemRoutes } from './health';
import { menuRoutes } from './menu';
import { notificationRoutes } from './notifications';
import { operationRoutes } from './operations';
import { serviceActionRoutes } from './service-actions';
import { serviceStatusRoutes } from './service-status';
import { syncRoutes } from './syncs';
import { userServiceRoutes } from './user-services';
import type { Route } from '../route';

const domainRoutes: readonly Route[] = [
  ...serviceStatusRoutes,
  ...serviceActionRoutes,
  ...accountRoutes,
  ...accountActionRoutes,
  ...syncRoutes,
  ...guardRoutes,
  ...operationRoutes,
  ...notificationRoutes,
  ...userServiceRoutes,
  ...menuRoutes,
];

/** The whole table. A new file of routes is named here, and nowhere else. */
export const routes: readonly Route[] = [...domainRoutes, ...systemRoutes(domainRoutes)];
