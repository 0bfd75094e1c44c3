import { defineConnector } from '@muster/sdk';
import { ExampleManager } from './manager';
import { exampleNames } from './names';
import { ExampleConfig } from './schema';

export { listener } from './listener';

/** The connector to copy: a small HTTP service with users and groups. */
export const connector = defineConnector({
  kind: 'example',
  title: 'Example',
  sdk: 1,
  config: ExampleConfig,
  secrets: ['token'],
  manager: ExampleManager,
  names: exampleNames,
  groupNames: exampleNames,
  maxConcurrency: 4,
});
