import { defineConnector } from '@muster/sdk';
import { DiscourseHook } from './hook';
import { DiscourseManager } from './manager';
import { forumNames } from './names';
import { DiscourseConfig } from './schema';

/** People and groups of a Discourse forum, with Muster as its DiscourseConnect provider. */
export const connector = defineConnector({
  kind: 'discourse',
  title: 'Discourse',
  sdk: 1,
  config: DiscourseConfig,
  secrets: ['apiKey', 'connectSecret', 'tlsKey'],
  manager: DiscourseManager,
  hook: (context) => new DiscourseHook(context),
  names: forumNames,
  groupNames: forumNames,
  // Sixty requests a minute are all that an API key has by default.
  maxConcurrency: 2,
});
