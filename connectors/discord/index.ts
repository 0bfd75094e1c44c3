import { defineConnector } from '@muster/sdk';
import { DiscordManager } from './manager';
import { roleNames } from './names';
import { DiscordConfig } from './schema';

/** Members and roles of one Discord server (guild). */
export const connector = defineConnector({
  kind: 'discord',
  title: 'Discord',
  sdk: 1,
  config: DiscordConfig,
  secrets: ['token'],
  manager: DiscordManager,
  groupNames: roleNames,
});
