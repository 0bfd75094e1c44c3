import { defineConnector } from '@muster/sdk';
import { MatrixManager } from './manager';
import { localparts, roomNames } from './names';
import { MatrixConfig } from './schema';

/** Users and rooms or spaces of a Matrix homeserver (Synapse). */
export const connector = defineConnector({
  kind: 'matrix',
  title: 'Matrix (Synapse)',
  sdk: 1,
  config: MatrixConfig,
  secrets: ['token', 'tlsKey'],
  manager: MatrixManager,
  names: localparts,
  groupNames: roomNames,
});
