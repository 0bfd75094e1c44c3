import { createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from '../../runtime/ports';
import { findProgram, startProgram, until } from './programs';

export const SYNAPSE_PROGRAM = 'synapse_homeserver';

type Ask = (
  method: string,
  path: string,
  body?: object,
) => Promise<{ readonly status: number; readonly body: unknown }>;

/** A real homeserver with a database of its own, and an administrator. */
export interface SynapseServer {
  readonly url: string;
  readonly adminId: string;
  readonly adminToken: string;
  /** Asks it as the administrator, past any manager. */
  readonly ask: Ask;
  /** Asks it as whoever has this token. */
  as(token: string | undefined): Ask;
  stop(): Promise<void>;
}

const SERVER_NAME = 'test.local';
const GENEROUS = { per_second: 10_000, burst_count: 10_000 };

/** Starts Synapse with SQLite; its limits are lifted, and can be set for a user with its admin API. */
export async function startSynapse(): Promise<SynapseServer> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-synapse-'));
  const port = await freePort();
  const secret = randomBytes(16).toString('hex');
  await writeFile(join(folder, 'homeserver.yaml'), JSON.stringify(settings({ folder, port, secret })));
  await writeFile(join(folder, 'log.yaml'), JSON.stringify(LOG));
  const python = join(dirname(findProgram(SYNAPSE_PROGRAM) ?? ''), 'python');
  const main = ['-m', 'synapse.app.homeserver', '-c', join(folder, 'homeserver.yaml')];
  const keys = startProgram(python, [...main, '--generate-keys']);
  await new Promise((resolve) => keys.process.once('exit', resolve));
  const server = startProgram(python, main);
  const url = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${url}/health`)).ok, server.output);
  const { user_id: adminId, access_token: adminToken } = await register(url, secret);
  const as =
    (token: string | undefined): Ask =>
    (method, path, body) =>
      ask(`${url}${path}`, method, { body, token });
  return {
    url,
    adminId,
    adminToken,
    ask: as(adminToken),
    as,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const LOG = {
  version: 1,
  handlers: { console: { class: 'logging.StreamHandler' } },
  root: { level: 'ERROR', handlers: ['console'] },
};

/** JSON is YAML too. */
function settings({
  folder,
  port,
  secret,
}: {
  readonly folder: string;
  readonly port: number;
  readonly secret: string;
}): object {
  return {
    server_name: SERVER_NAME,
    pid_file: join(folder, 'pid'),
    listeners: [{ port, bind_addresses: ['127.0.0.1'], type: 'http', tls: false, resources: [{ names: ['client'] }] }],
    database: { name: 'sqlite3', args: { database: join(folder, 'homeserver.db') } },
    media_store_path: join(folder, 'media'),
    signing_key_path: join(folder, 'signing.key'),
    log_config: join(folder, 'log.yaml'),
    registration_shared_secret: secret,
    report_stats: false,
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    // Cheap, since tests set passwords often.
    bcrypt_rounds: 4,
    rc_login: { address: GENEROUS, account: GENEROUS, failed_attempts: GENEROUS },
    rc_message: GENEROUS,
    rc_room_creation: GENEROUS,
  };
}

interface Registered {
  readonly user_id: string;
  readonly access_token: string;
}

/** With the shared secret (Synapse, "Shared-Secret Registration"). */
async function register(url: string, secret: string): Promise<Registered> {
  const where = `${url}/_synapse/admin/v1/register`;
  const { nonce } = (await ask(where, 'GET')).body as { readonly nonce: string };
  const mac = createHmac('sha1', secret).update([nonce, 'admin', 'admin', 'admin'].join('\0')).digest('hex');
  const body = { nonce, username: 'admin', password: 'admin', admin: true, mac };
  return (await ask(where, 'POST', { body })).body as Registered;
}

async function ask(
  url: string,
  method: string,
  { body, token }: { readonly body?: object | undefined; readonly token?: string | undefined } = {},
): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(url, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}
