import { randomBytes } from 'node:crypto';
import { mapAttributes } from '@muster/sdk';
import type { AccountProfile } from '@muster/sdk';
import type { Dialect } from './dialect';
import type { Alteration, Entry } from './directory';
import { windowsGroupNames, windowsNames } from './names';
import type { ActiveDirectoryConfig } from './schema';

/** Flags of userAccountControl; [MS-ADTS] 2.2.16. */
const NORMAL_ACCOUNT = 0x200;
const ACCOUNT_DISABLED = 0x2;

/** Values of groupType, with the flag of a security group; [MS-ADTS] 2.2.12. */
const GROUP_TYPES = { global: 0x2, 'domain local': 0x4, universal: 0x8 } as const;
const SECURITY_GROUP = 0x8000_0000;

/** Active Directory and Samba: user, group, links that the directory keeps, and a password of its own kind. */
export function activeDirectoryDialect(config: ActiveDirectoryConfig): Dialect {
  return {
    users: {
      base: config.userBase,
      objectClass: 'user',
      rdnAttribute: 'cn',
      nameAttribute: 'sAMAccountName',
      rules: windowsNames,
    },
    groups: {
      base: config.groupBase,
      objectClass: 'group',
      rdnAttribute: 'cn',
      nameAttribute: 'cn',
      rules: windowsGroupNames,
    },
    idAttribute: 'objectGUID',
    idIsBinary: true,
    keyAttribute: config.keyAttribute ?? 'adminDescription',
    memberAttribute: 'member',
    placeholder: undefined,
    linksFollow: true,
    stateAttributes: ['userAccountControl'],
    isEnabled: (entry) => (flagsOf(entry) & ACCOUNT_DISABLED) === 0,
    switchTo,
    attributesOf: (profile) => ({
      ...personOf(profile, config.upnSuffix),
      ...mapAttributes(config.attributes ?? {}, profile),
    }),
    newUser: () => ({
      objectClass: ['user'],
      // Without a password it could only be made disabled. This one is known to nobody.
      unicodePwd: [unicodePassword(randomBytes(32).toString('base64url'))],
      userAccountControl: [String(NORMAL_ACCOUNT)],
    }),
    newGroup: (name) => ({
      objectClass: ['group'],
      sAMAccountName: [name],
      // A signed number of 32 bits.
      groupType: [String((GROUP_TYPES[config.groupScope ?? 'global'] | SECURITY_GROUP) >> 0)],
    }),
    renameGroup: (name) => [{ operation: 'replace', attribute: 'sAMAccountName', values: [name] }],
    setPassword: (directory, { dn, password }, call) => {
      const change = { operation: 'replace', attribute: 'unicodePwd', values: [unicodePassword(password)] } as const;
      return directory.modify({ dn }, [change], call);
    },
  };
}

function personOf(profile: AccountProfile, upnSuffix: string): Readonly<Record<string, readonly string[]>> {
  const full = profile.displayName.trim() === '' ? profile.name : profile.displayName.trim();
  const words = full.split(/\s+/);
  return {
    sAMAccountName: [profile.name],
    userPrincipalName: [`${profile.name}@${upnSuffix}`],
    sn: words.slice(-1),
    givenName: words.length > 1 ? [words.slice(0, -1).join(' ')] : [],
    displayName: profile.nickname.trim() === '' ? [full] : [profile.nickname.trim()],
    mail: profile.email === null ? [] : [profile.email],
  };
}

/** Removes the number that was read and adds the new one: who else changed a flag meanwhile is not overwritten. */
function switchTo(enabled: boolean, entry: Entry): readonly Alteration[] {
  const flags = flagsOf(entry);
  const wanted = enabled ? flags & ~ACCOUNT_DISABLED : flags | ACCOUNT_DISABLED;
  if (wanted === flags) return [];
  const attribute = 'userAccountControl';
  return [
    { operation: 'delete', attribute, values: [String(flags)] },
    { operation: 'add', attribute, values: [String(wanted)] },
  ];
}

function flagsOf(entry: Entry): number {
  return Number(entry.values('userAccountControl')[0] ?? NORMAL_ACCOUNT);
}

/** In quotes, UTF-16 little endian; [MS-ADTS] 3.1.1.3.1.5. */
function unicodePassword(text: string): Buffer {
  return Buffer.from(`"${text}"`, 'utf16le');
}
