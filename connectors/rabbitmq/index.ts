import { defineConnector } from '@muster/sdk';
import { RabbitManager } from './manager';
import { brokerNames } from './names';
import { RabbitConfig } from './schema';

/** Users of a RabbitMQ, and virtual hosts that they may use. */
export const connector = defineConnector({
  kind: 'rabbitmq',
  title: 'RabbitMQ',
  sdk: 1,
  config: RabbitConfig,
  secrets: ['password', 'tlsKey'],
  manager: RabbitManager,
  names: brokerNames,
  groupNames: brokerNames,
});
