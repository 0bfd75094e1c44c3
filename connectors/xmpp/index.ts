import { defineConnector } from '@muster/sdk';
import { XmppManager } from './manager';
import { accountNames, groupLabels } from './names';
import { XmppConfig } from './schema';

/** Accounts and shared roster groups on an ejabberd. */
export const connector = defineConnector({
  kind: 'xmpp',
  title: 'XMPP (ejabberd)',
  sdk: 1,
  config: XmppConfig,
  secrets: ['password', 'tlsKey'],
  manager: XmppManager,
  names: accountNames,
  groupNames: groupLabels,
});
