import { defineConnector } from '@muster/sdk';
import { MumbleHook, linkTables } from './hook';
import { MumbleManager } from './manager';
import { aclGroupNames, userNames } from './names';
import { MumbleConfig } from './schema';

/** Registered users of a Mumble, and groups in its rules of access. */
export const connector = defineConnector({
  kind: 'mumble',
  title: 'Mumble',
  sdk: 1,
  config: MumbleConfig,
  secrets: ['secret'],
  manager: MumbleManager,
  hook: (context) => new MumbleHook(context),
  migrations: linkTables,
  names: userNames,
  groupNames: aclGroupNames,
  // Groups are written as a whole: two writers would lose each other's.
  maxConcurrency: 1,
});
