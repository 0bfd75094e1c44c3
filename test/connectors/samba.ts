import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ldapTools } from './ldap-tools';
import type { LdapTools } from './ldap-tools';
import { findProgram, isListening, startProgram, until } from './programs';

const run = promisify(execFile);
const PASSWORD = 'Admin-password-1';
const SUFFIX = 'DC=lab,DC=test';

/** A Samba domain controller; its LDAP only, on a loopback address of its own, since its ports are fixed. Needs root. */
export interface Samba extends LdapTools {
  readonly address: string;
  /** Of the connector, over `ldaps://`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly password: string;
  readonly userBase: string;
  readonly groupBase: string;
  stop(): Promise<void>;
}

/** Makes a domain and starts it: some 20 seconds. */
export async function startSamba(): Promise<Samba> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-samba-'));
  const address = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  const domain = '--realm=LAB.TEST --domain=LAB --server-role=dc --dns-backend=NONE'.split(' ');
  const place = [`--targetdir=${folder}`, `--host-ip=${address}`, `--option=interfaces=${address}/8`];
  const only = ['--option=bind interfaces only=yes', `--adminpass=${PASSWORD}`];
  await run('samba-tool', ['domain', 'provision', ...domain, ...place, ...only]);
  const settings = join(folder, 'etc', 'smb.conf');
  const text = readFileSync(settings, 'utf8')
    .replace(/server services = .*/, 'server services = ldap')
    .replace(
      /log file = .*/,
      `log file = ${folder}/log\n\tpid directory = ${folder}\n\tncalrpc dir = ${folder}/ncalrpc`,
    );
  writeFileSync(settings, text);
  const server = startProgram(findProgram('samba') ?? 'samba', ['-s', settings, '-i', '-M', 'single']);
  await until(() => isListening(636, address), server.output);
  const tools = ldapTools({
    uri: `ldaps://${address}`,
    bindDn: 'Administrator@lab.test',
    password: PASSWORD,
    suffix: SUFFIX,
  });
  const [userBase, groupBase] = [`OU=people,${SUFFIX}`, `OU=groups,${SUFFIX}`];
  const folders = [userBase, groupBase].map((dn) => `dn: ${dn}\nchangetype: add\nobjectClass: organizationalUnit\n`);
  await tools.apply(folders.join('\n'));
  return {
    ...tools,
    address,
    password: PASSWORD,
    userBase,
    groupBase,
    config: {
      url: `ldaps://${address}`,
      // Made at its first start, for the machine's name.
      tlsCa: readFileSync(join(folder, 'private', 'tls', 'ca.pem'), 'utf8'),
      tlsAcceptAnyCertificate: true,
      bindDn: 'Administrator@lab.test',
      bindPassword: PASSWORD,
      userBase,
      groupBase,
      upnSuffix: 'lab.test',
    },
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
