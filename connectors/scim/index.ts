import { defineConnector } from '@muster/sdk';
import { ScimManager } from './manager';
import { scimNames } from './names';
import { ScimConfig } from './schema';

/** Users and groups of any service that speaks SCIM 2.0. */
export const connector = defineConnector({
  kind: 'scim',
  title: 'SCIM 2.0',
  sdk: 1,
  config: ScimConfig,
  secrets: ['token', 'password', 'tlsKey'],
  manager: ScimManager,
  names: scimNames,
  groupNames: scimNames,
});
