import { defineConnector } from '@muster/sdk';
import { PostgresManager } from './manager';
import { roleNames } from './names';
import { MAX_CONCURRENCY, PostgresConfig } from './schema';

/** Login roles and group roles on a PostgreSQL server. */
export const connector = defineConnector({
  kind: 'postgres',
  title: 'PostgreSQL',
  sdk: 1,
  config: PostgresConfig,
  secrets: ['password', 'url'],
  manager: PostgresManager,
  names: roleNames,
  groupNames: roleNames,
  maxConcurrency: MAX_CONCURRENCY,
});
