import { defineConnector } from '@muster/sdk';
import { ActiveDirectoryManager, LdapManager } from './manager';
import { entryNames, groupNames, windowsGroupNames, windowsNames } from './names';
import { ActiveDirectoryConfig, LdapConfig } from './schema';

/** People and groups in OpenLDAP, 389 Directory Server and others. */
export const ldap = defineConnector({
  kind: 'ldap',
  title: 'LDAP',
  sdk: 1,
  config: LdapConfig,
  secrets: ['bindPassword', 'tlsKey'],
  manager: LdapManager,
  names: entryNames,
  groupNames,
});

/** People and groups in Active Directory, or in Samba as one. */
export const activeDirectory = defineConnector({
  kind: 'active-directory',
  title: 'Active Directory',
  sdk: 1,
  config: ActiveDirectoryConfig,
  secrets: ['bindPassword', 'tlsKey'],
  manager: ActiveDirectoryManager,
  names: windowsNames,
  groupNames: windowsGroupNames,
});
