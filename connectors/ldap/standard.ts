import { mapAttributes } from '@muster/sdk';
import type { AccountProfile } from '@muster/sdk';
import type { Dialect } from './dialect';
import type { Alteration, Entry } from './directory';
import { entryNames, groupNames } from './names';
import type { LdapConfig } from './schema';

type Lock = Pick<Dialect, 'stateAttributes' | 'isEnabled' | 'switchTo'>;

/** Locked for good, by an administrator: draft-behera-ldap-password-policy-10, 5.3.3. */
const LOCKED_FOR_GOOD = '000001010000Z';

/** OpenLDAP and others: inetOrgPerson (RFC 2798), groupOfNames (RFC 4519). */
export function standardDialect(config: LdapConfig): Dialect {
  const groupClass = config.groupClass ?? 'groupOfNames';
  const memberAttribute = groupClass === 'groupOfNames' ? 'member' : 'uniqueMember';
  const placeholder = config.placeholderMember ?? `cn=nobody,${config.groupBase}`;
  return {
    users: {
      base: config.userBase,
      objectClass: 'inetOrgPerson',
      rdnAttribute: 'uid',
      nameAttribute: 'uid',
      rules: entryNames,
    },
    groups: {
      base: config.groupBase,
      objectClass: groupClass,
      rdnAttribute: 'cn',
      nameAttribute: 'cn',
      rules: groupNames,
    },
    idAttribute: config.idAttribute ?? 'entryUUID',
    idIsBinary: false,
    keyAttribute: config.keyAttribute ?? 'description',
    memberAttribute,
    placeholder,
    linksFollow: false,
    ...lockOf(config.disableBy ?? 'ppolicy'),
    attributesOf: (profile) => ({ ...personOf(profile), ...mapAttributes(config.attributes ?? {}, profile) }),
    newUser: () => ({ objectClass: ['inetOrgPerson', ...(config.userClasses ?? [])] }),
    newGroup: () => ({ objectClass: [groupClass], [memberAttribute]: [placeholder] }),
    renameGroup: () => [],
    setPassword: (directory, { dn, password }, call) => directory.setPassword(dn, password, call),
  };
}

/** `sn` is demanded: the last word of the display name, whatever that is worth in names of other shapes. Map it for better. */
function personOf(profile: AccountProfile): Readonly<Record<string, readonly string[]>> {
  const full = profile.displayName.trim() === '' ? profile.name : profile.displayName.trim();
  const words = full.split(/\s+/);
  return {
    uid: [profile.name],
    cn: [full],
    sn: words.slice(-1),
    givenName: words.length > 1 ? [words.slice(0, -1).join(' ')] : [],
    displayName: profile.nickname.trim() === '' ? [full] : [profile.nickname.trim()],
    mail: profile.email === null ? [] : [profile.email],
  };
}

function lockOf(disableBy: NonNullable<LdapConfig['disableBy']>): Lock {
  if (disableBy === 'ppolicy') return attributeLock('pwdAccountLockedTime', LOCKED_FOR_GOOD);
  if (disableBy === 'nsAccountLock') return attributeLock('nsAccountLock', 'true');
  return {
    stateAttributes: [],
    isEnabled: () => undefined,
    switchTo: (enabled) => (enabled ? [] : [{ operation: 'replace', attribute: 'userPassword', values: [] }]),
  };
}

/** A lock of some minutes, after wrong passwords, has another value: it does not count as disabled, and is not lifted. */
function attributeLock(attribute: string, locked: string): Lock {
  const isEnabled = (entry: Entry): boolean =>
    !entry.values(attribute).some((value) => value.toLowerCase() === locked.toLowerCase());
  const lift: Alteration = { operation: 'replace', attribute, values: [] };
  return {
    stateAttributes: [attribute],
    isEnabled,
    switchTo: (enabled, entry) => {
      if (isEnabled(entry) === enabled) return [];
      return [enabled ? lift : { ...lift, values: [locked] }];
    },
  };
}
