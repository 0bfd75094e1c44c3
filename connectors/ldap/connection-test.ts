import { Misconfigured } from '@muster/sdk';
import type { CallContext, ConnectionReport } from '@muster/sdk';
import { PresenceFilter } from 'ldapts';
import type { Directory, Entry, Search } from './directory';
import { resultCode } from './failures';
import type { ActiveDirectoryConfig, LdapConfig } from './schema';

const PASSWORD_MODIFY = '1.3.6.1.4.1.4203.1.11.1';
const ANYTHING = new PresenceFilter({ attribute: 'objectClass' });

/**
 * Logs in, looks for the places, and for what the schema and the server offer. LDAP has no way to ask what one may write. OpenLDAP's
 * No-Op control is none: after a write that was only tried, slapd 2.5 stores entries that it cannot read any more.
 */
export async function testStandard(
  directory: Directory,
  config: LdapConfig,
  call: CallContext,
): Promise<ConnectionReport> {
  const root = await readOne(directory, { base: '', attributes: ['*', '+'] }, call);
  const missing = [...(await missingPlaces(directory, config, call))];
  if (!root.values('supportedExtension').includes(PASSWORD_MODIFY)) {
    missing.push('The server does not offer the password modify operation (RFC 3062): passwords cannot be set.');
  }
  const lock = { ppolicy: 'pwdAccountLockedTime', nsAccountLock: 'nsAccountLock', password: undefined };
  const attribute = lock[config.disableBy ?? 'ppolicy'];
  if (attribute !== undefined && !(await knowsAttribute(directory, { root, attribute }, call))) {
    missing.push(`The server does not know ${attribute}: accounts cannot be disabled; set disableBy.`);
  }
  const isOpenLdap = root.values('objectClass').includes('OpenLDAProotDSE');
  const product = isOpenLdap ? 'OpenLDAP' : [...root.values('vendorName'), ...root.values('vendorVersion')].join(' ');
  return { ok: missing.length === 0, missing, ...(product === '' ? {} : { remote: product }) };
}

/** Logs in, looks for the places, and reads what Muster may make there. */
export async function testActiveDirectory(
  directory: Directory,
  config: ActiveDirectoryConfig,
  call: CallContext,
): Promise<ConnectionReport> {
  const root = await readOne(
    directory,
    { base: '', attributes: ['dnsHostName', 'vendorName', 'vendorVersion', 'isSynchronized'] },
    call,
  );
  const missing = [...(await missingPlaces(directory, config, call))];
  if (missing.length === 0) missing.push(...(await missingRights(directory, config, call)));
  const remote = ['Active Directory', ...root.values('dnsHostName')].join(' ');
  return { ok: missing.length === 0, missing, remote };
}

async function missingPlaces(
  directory: Directory,
  { userBase, groupBase }: Pick<LdapConfig, 'userBase' | 'groupBase'>,
  call: CallContext,
): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const [key, base] of Object.entries({ userBase, groupBase })) {
    try {
      await readOne(directory, { base: base, attributes: ['1.1'] }, call);
    } catch (error) {
      if (!(error instanceof Misconfigured) || resultCode(error.cause) !== undefined) throw error;
      missing.push(`${key} ${base} is not there, or Muster may not see it.`);
    }
  }
  return missing;
}

/** `allowedChildClassesEffective` says what the one who asks may make; [MS-ADTS] 3.1.1.4.5.22. */
async function missingRights(
  directory: Directory,
  { userBase, groupBase }: ActiveDirectoryConfig,
  call: CallContext,
): Promise<readonly string[]> {
  const attribute = 'allowedChildClassesEffective';
  const places = [
    [userBase, 'user'],
    [groupBase, 'group'],
  ] as const;
  const missing: string[] = [];
  for (const [base, kind] of places) {
    const entry = await readOne(directory, { base: base, attributes: [attribute] }, call);
    if (!entry.values(attribute).includes(kind)) missing.push(`Muster's account may not make a ${kind} below ${base}.`);
  }
  return missing;
}

async function knowsAttribute(
  directory: Directory,
  { root, attribute }: { readonly root: Entry; readonly attribute: string },
  call: CallContext,
): Promise<boolean> {
  const [schema] = root.values('subschemaSubentry');
  if (schema === undefined) return true;
  const entry = await readOne(directory, { base: schema, attributes: ['attributeTypes'] }, call);
  return entry.values('attributeTypes').some((type) => type.includes(`'${attribute}'`));
}

async function readOne(
  directory: Directory,
  { base, attributes }: Pick<Search, 'base' | 'attributes'>,
  call: CallContext,
): Promise<Entry> {
  const [entry] = await directory.search({ base, scope: 'base', filter: ANYTHING, attributes }, call);
  if (entry === undefined) throw new Misconfigured(`LDAP search: ${base} cannot be read.`, { code: 'ldap-32' });
  return entry;
}
