import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../runtime/ports';
import { isListening, startProgram, until } from './programs';

const PASSWORD = 'muster-password';
/** What the connector's README asks for, and nothing more. */
const COMMANDS = (
  'register unregister check_account check_password change_password ban_account kick_user set_nickname registered_users ' +
  'private_get private_set srg_create srg_delete srg_list srg_get_info srg_user_add srg_user_del'
).split(' ');

const LIBRARIES = '/usr/lib/x86_64-linux-gnu:/usr/lib/aarch64-linux-gnu';
const NODE = 'muster-test@localhost';

/** A real ejabberd on loopback, as this user, with a port mapper of its own. */
export interface Ejabberd {
  readonly port: number;
  /** Of the connector. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly password: string;
  /** Any command, by an administrator that is not Muster; answers the parsed JSON. */
  command(name: string, body: object): Promise<unknown>;
  /** All that it keeps, as Erlang terms: what `ejabberdctl dump` writes. */
  dump(): Promise<string>;
  /** Opens a session; answers what ends when the server ends it. */
  logIn(user: string, password: string): Promise<XmppSession>;
  stop(): Promise<void>;
}

/** Somebody who is logged in. */
export interface XmppSession {
  /** What the server said last, when it has ended the session. */
  readonly ended: Promise<string>;
}

/** Starts it with Muster's account, which may call these commands only, or those given. */
export async function startEjabberd(commands: readonly string[] = COMMANDS): Promise<Ejabberd> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-ejabberd-'));
  const [port, clientPort, mapperPort] = [await freePort(), await freePort(), await freePort()];
  mkdirSync(join(folder, 'db'));
  const settings = join(folder, 'ejabberd.yml');
  writeFileSync(settings, configuration({ port, clientPort, commands }));
  const erlang = {
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_LIBS: LIBRARIES,
    HOME: folder,
  };
  const mapper = startProgram('epmd', [], erlang);
  await until(() => isListening(mapperPort), mapper.output);
  const loopback = ['-kernel', 'inet_dist_use_interface', '{127,0,0,1}'];
  const main = ['-noinput', '-sname', NODE, ...loopback, '-mnesia', 'dir', `"${folder}/db"`, '-s', 'ejabberd'];
  const server = startProgram('erl', main, {
    ...erlang,
    EJABBERD_CONFIG_PATH: settings,
    EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
    ERL_CRASH_DUMP: join(folder, 'crash'),
  });
  let isFirst = true;
  const command = async (name: string, body: object): Promise<unknown> => {
    const url = `http://127.0.0.1:${port}/api/${name}`;
    const authorization = `Basic ${Buffer.from(`tests@localhost:${PASSWORD}`).toString('base64')}`;
    const headers = isFirst ? {} : { authorization };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    return answer.json();
  };
  await until(async () => (await isListening(clientPort)) && (await isListening(port)), server.output);
  for (const user of ['tests', 'muster']) await command('register', { user, host: 'localhost', password: PASSWORD });
  isFirst = false;
  return {
    port,
    password: PASSWORD,
    config: { url: `http://127.0.0.1:${port}/api`, user: 'muster@localhost', password: PASSWORD },
    command,
    dump: () => dump(folder, [...loopback], erlang),
    logIn: (user, password) => logIn(clientPort, user, password),
    stop: async () => {
      await server.stop();
      await mapper.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As the script `ejabberdctl` does it, which insists on root or on Debian's own user. */
async function dump(
  folder: string,
  loopback: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const file = join(folder, 'dump.txt');
  const name = `reader-${process.pid}@localhost`;
  const args = ['-hidden', '-noinput', '-sname', name, ...loopback, '-s', 'ejabberd_ctl', '-extra', NODE, 'dump', file];
  await promisify(execFile)('erl', args, { env: { ...process.env, ...env } });
  return readFileSync(file, 'utf8');
}

function configuration(options: {
  readonly port: number;
  readonly clientPort: number;
  readonly commands: readonly string[];
}): string {
  const { port, clientPort, commands } = options;
  const http = { ip: '127.0.0.1', module: 'ejabberd_http', request_handlers: { '/api': 'mod_http_api' } };
  // YAML takes JSON.
  return JSON.stringify({
    loglevel: 'error',
    hosts: ['localhost'],
    // Each request would cost 4,096 rounds of hashing.
    auth_password_format: 'plain',
    listen: [
      { ...http, port },
      { port: clientPort, ip: '127.0.0.1', module: 'ejabberd_c2s' },
    ],
    acl: { muster: { user: ['muster@localhost'] }, tests: { user: ['tests@localhost'] } },
    api_permissions: {
      muster: { who: { access: { allow: [{ acl: 'muster' }] } }, what: commands },
      tests: { who: { access: { allow: [{ acl: 'tests' }] } }, what: '*' },
      first: { who: { ip: '127.0.0.1/32' }, what: ['register'] },
    },
    modules: Object.fromEntries(
      ['admin_extra', 'http_api', 'last', 'private', 'roster', 'shared_roster', 'vcard', 'disco'].map((name) => [
        `mod_${name}`,
        {},
      ]),
    ),
  });
}

/** A stream, SASL PLAIN, and a resource: RFC 6120. */
async function logIn(port: number, user: string, password: string): Promise<XmppSession> {
  const socket = connect(port, '127.0.0.1');
  let said = '';
  socket.on('data', (bytes) => (said += bytes.toString()));
  socket.on('error', () => undefined);
  const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(said)));
  const stream =
    "<stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  const say = async (text: string, wanted: RegExp): Promise<void> => {
    said = '';
    socket.write(text);
    await until(
      async () => wanted.test(said) || socket.destroyed || said.includes('<failure'),
      () => said,
    );
    if (!wanted.test(said)) {
      socket.destroy();
      throw new Error(`the server refuses: ${said}`);
    }
  };
  const plain = Buffer.from(`\0${user}\0${password}`).toString('base64');
  await say(stream, /<\/stream:features>/);
  await say(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`, /<success/);
  await say(stream, /<\/stream:features>/);
  await say("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", /<jid>/);
  said = '';
  return { ended };
}
