import { defineConnector } from '@muster/sdk';
import { KeycloakManager } from './manager';
import { groupNames, usernames } from './names';
import { KeycloakConfig } from './schema';

/** Users, groups or roles of one Keycloak realm. */
export const connector = defineConnector({
  kind: 'keycloak',
  title: 'Keycloak',
  sdk: 1,
  config: KeycloakConfig,
  secrets: ['clientSecret', 'tlsKey'],
  manager: KeycloakManager,
  names: usernames,
  groupNames,
});
