import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const run = promisify(execFile);
const MAX_BYTES = 64 * 1024 * 1024;
/** Attributes of bytes; their values become hexadecimal digits. */
const BINARY = ['objectguid'];

/** Tags of the requests that write: modify, add, delete, rename, and the extended one that sets a password (RFC 4511 4). */
const WRITES = [0x66, 0x68, 0x4a, 0x6c, 0x77];

/** OpenLDAP's own programs as an administrator: a reader and writer that shares no code with the connector. */
export interface LdapTools {
  /** Entries below `base`, operational attributes too. */
  search(base: string, filter: string): Promise<readonly LdifEntry[]>;
  /** Makes the changes of an LDIF. */
  apply(ldif: string): Promise<void>;
  /** Can one log in? `who` is a DN, or a user principal name. */
  canLogIn(who: string, password: string): Promise<boolean>;
}

/** An entry of an LDIF, with lower-case attribute names. */
export interface LdifEntry {
  readonly dn: string;
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/** The programs for one server. Its certificate is not looked at. */
export function ldapTools({
  uri,
  bindDn,
  password,
  suffix,
}: Readonly<Record<'uri' | 'bindDn' | 'password' | 'suffix', string>>): LdapTools {
  const options = { maxBuffer: MAX_BYTES, env: { ...process.env, LDAPTLS_REQCERT: 'never' } };
  const place = ['-x', '-H', uri];
  const admin = [...place, '-D', bindDn, '-w', password];
  return {
    search: async (base, filter) => {
      const args = [...admin, '-LLL', '-o', 'ldif-wrap=no', '-b', base, filter, '*', '+'];
      return parseLdif((await run('ldapsearch', args, options)).stdout);
    },
    apply: async (ldif) => {
      const folder = mkdtempSync(join(tmpdir(), 'muster-ldif-'));
      const file = join(folder, 'changes.ldif');
      writeFileSync(file, ldif);
      try {
        await run('ldapmodify', [...admin, '-f', file], options);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    canLogIn: async (who, text) =>
      text !== '' &&
      run('ldapsearch', [...place, '-D', who, '-w', text, '-LLL', '-s', 'base', '-b', suffix, '1.1'], options).then(
        () => true,
        () => false,
      ),
  };
}

/** First value of an attribute, or ''. */
export function firstValue({ attributes }: LdifEntry, attribute: string): string {
  return attributes.get(attribute)?.[0] ?? '';
}

/** As it must stand in a DN of an LDIF. */
export function escapedName(name: string): string {
  return name.replace(/[",+;<>=\\#]/g, (character) => `\\${character}`);
}

/** An LDAP message is a sequence of a number and the operation, whose tag says what it is (RFC 4511 4.1.1). */
export function isLdapWrite(bytes: Buffer): boolean {
  const lengthBytes = (bytes[1] ?? 0) > 0x80 ? (bytes[1] ?? 0) - 0x80 : 0;
  const numberAt = 2 + lengthBytes;
  const operation = bytes[numberAt + 2 + (bytes[numberAt + 1] ?? 0)] ?? 0;
  return WRITES.includes(operation);
}

function parseLdif(ldif: string): readonly LdifEntry[] {
  const blocks = ldif.split(/\n\n+/).filter((block) => /^dn::? /.test(block));
  return blocks.map((block) => {
    const attributes = new Map<string, string[]>();
    for (const line of block.split('\n')) {
      const [, name, colon, value] = /^([^:]+)(::?) ?(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) continue;
      const key = name.toLowerCase();
      const bytes = Buffer.from(value, 'base64');
      const decoded = BINARY.includes(key) ? bytes.toString('hex') : bytes.toString('utf8');
      attributes.set(key, [...(attributes.get(key) ?? []), colon === '::' ? decoded : value]);
    }
    return { dn: attributes.get('dn')?.[0] ?? '', attributes };
  });
}
