import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TEST_CERTIFICATES } from './certificates';
import { ldapTools } from './ldap-tools';
import type { LdapTools } from './ldap-tools';
import { freePort } from '../../runtime/ports';
import { findProgram, isListening, startProgram, until } from './programs';

const SUFFIX = 'dc=example,dc=org';
const ADMIN = `cn=admin,${SUFFIX}`;
const ADMIN_PASSWORD = 'admin-password';

/** What a test directory is to be like. */
export interface SlapdOptions {
  /** Overlays beside ppolicy. Default memberof and refint. */
  readonly overlays?: readonly ('memberof' | 'refint')[];
  /** Most entries that Muster's account is shown by one search. Default: no limit. */
  readonly sizeLimit?: number;
  /** Rules of access instead of "Muster may write everything". */
  readonly access?: string;
}

/** A real slapd on loopback. */
export interface Slapd extends LdapTools {
  readonly port: number;
  readonly tlsPort: number;
  /** Of the connector, over `ldap://`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly password: string;
  readonly userBase: string;
  readonly groupBase: string;
  stop(): Promise<void>;
}

/** Starts slapd with people, groups, a password policy that locks, and an account for Muster. */
export async function startSlapd(options: SlapdOptions = {}): Promise<Slapd> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-slapd-'));
  const [port, tlsPort] = [await freePort(), await freePort()];
  const uri = `ldap://127.0.0.1:${port}`;
  writeConfiguration(folder, options);
  const file = join(folder, 'slapd.conf');
  const uris = `${uri} ldaps://127.0.0.1:${tlsPort}`;
  const server = startProgram(findProgram('slapd') ?? 'slapd', ['-h', uris, '-f', file, '-d', '0']);
  await until(() => isListening(port), server.output);
  const tools = ldapTools({ uri, bindDn: ADMIN, password: ADMIN_PASSWORD, suffix: SUFFIX });
  await tools.apply(FIRST_ENTRIES);
  const [userBase, groupBase] = [`ou=people,${SUFFIX}`, `ou=groups,${SUFFIX}`];
  const password = 'muster-password';
  return {
    ...tools,
    port,
    tlsPort,
    password,
    userBase,
    groupBase,
    config: { url: uri, plaintext: true, bindDn: `cn=muster,${SUFFIX}`, bindPassword: password, userBase, groupBase },
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function writeConfiguration(folder: string, options: SlapdOptions): void {
  mkdirSync(join(folder, 'db'));
  for (const [name, pem] of Object.entries(TEST_CERTIFICATES)) writeFileSync(join(folder, `${name}.pem`), pem);
  const overlays = options.overlays ?? ['memberof', 'refint'];
  const lines = [
    ...['core', 'cosine', 'inetorgperson'].map((name) => `include /etc/ldap/schema/${name}.schema`),
    'modulepath /usr/lib/ldap',
    ...['back_mdb', 'memberof', 'refint', 'ppolicy'].map((name) => `moduleload ${name}`),
    `pidfile ${folder}/slapd.pid`,
    `TLSCACertificateFile ${folder}/ca.pem`,
    `TLSCertificateFile ${folder}/cert.pem`,
    `TLSCertificateKeyFile ${folder}/key.pem`,
    'database mdb',
    `suffix "${SUFFIX}"`,
    `rootdn "${ADMIN}"`,
    `rootpw ${ADMIN_PASSWORD}`,
    `directory ${folder}/db`,
    'dbnosync',
    'index objectClass,entryUUID,description,uid,cn,member eq',
    ...(options.sizeLimit === undefined ? ['sizelimit unlimited'] : [`sizelimit size.prtotal=${options.sizeLimit}`]),
    options.access ?? `access to * by dn.exact="cn=muster,${SUFFIX}" write by anonymous auth by * read`,
    'overlay ppolicy',
    `ppolicy_default "cn=policy,${SUFFIX}"`,
    ...overlays.flatMap((name) =>
      name === 'refint' ? ['overlay refint', 'refint_attributes member'] : [`overlay ${name}`],
    ),
  ];
  writeFileSync(join(folder, 'slapd.conf'), `${lines.join('\n')}\n`);
}

const FIRST_ENTRIES = `
dn: ${SUFFIX}
changetype: add
objectClass: domain
dc: example

dn: ou=people,${SUFFIX}
changetype: add
objectClass: organizationalUnit
ou: people

dn: ou=groups,${SUFFIX}
changetype: add
objectClass: organizationalUnit
ou: groups

dn: cn=policy,${SUFFIX}
changetype: add
objectClass: person
objectClass: pwdPolicy
cn: policy
sn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMinLength: 6
pwdCheckQuality: 2

dn: cn=muster,${SUFFIX}
changetype: add
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: muster
userPassword: muster-password
`;
