import { defineConnector } from '@muster/sdk';
import { DirectoryManager } from './directory-manager';
import { WebhookManager } from './manager';
import { WebhookConfig } from './schema';

const SECRETS = ['url', 'secret', 'previousSecret', 'tlsKey'] as const;

/** Any system that takes signed calls. */
export const connector = defineConnector({
  kind: 'webhook',
  title: 'Webhook',
  sdk: 1,
  config: WebhookConfig,
  secrets: SECRETS,
  manager: WebhookManager,
});

/** Any system that takes signed calls and also tells who is there. */
export const directory = defineConnector({
  kind: 'webhook-directory',
  title: 'Webhook with a directory',
  sdk: 1,
  config: WebhookConfig,
  secrets: SECRETS,
  manager: DirectoryManager,
});
