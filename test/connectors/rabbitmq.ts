import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../runtime/ports';
import { findProgram, isListening, startProgram, until } from './programs';

const PASSWORD = 'muster-password';
const MAX_BYTES = 64 * 1024 * 1024;

/** A real RabbitMQ with its management plugin, on loopback, with a port mapper of its own. */
export interface Rabbit {
  /** Of the management API. */
  readonly port: number;
  readonly amqpPort: number;
  /** Of the connector. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly password: string;
  /** One request to the management API; answers the parsed body. */
  ask(method: string, path: string, body?: object): Promise<unknown>;
  /** What `rabbitmqctl` prints for these arguments: the broker's own program, which asks it past the management API. */
  control(...args: readonly string[]): Promise<string>;
  /** Why the management API refuses this login: it tells wrong passwords from missing tags. */
  login(user: string, password: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts it: some seconds. */
export async function startRabbit(): Promise<Rabbit> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-rabbit-'));
  const [port, amqpPort, mapperPort, nodePort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const [config, plugins] = [join(folder, 'rabbitmq.conf'), join(folder, 'plugins')];
  writeFileSync(plugins, '[rabbitmq_management].\n');
  const settings = {
    'listeners.tcp.1': `127.0.0.1:${amqpPort}`,
    'management.tcp.ip': '127.0.0.1',
    'management.tcp.port': port,
    default_user: 'muster',
    default_pass: PASSWORD,
  };
  writeFileSync(
    config,
    Object.entries(settings)
      .map(([key, value]) => `${key} = ${value}\n`)
      .join(''),
  );
  const env = { ERL_EPMD_PORT: String(mapperPort), ERL_EPMD_ADDRESS: '127.0.0.1', HOME: folder };
  const mapper = startProgram('epmd', [], env);
  await until(() => isListening(mapperPort), mapper.output);
  const node = `muster${port}@localhost`;
  // Debian's wrapper wants root or its own user; the program itself does not.
  const server = startProgram(findProgram('/usr/lib/rabbitmq/bin/rabbitmq-server') ?? 'rabbitmq-server', [], {
    ...env,
    RABBITMQ_NODENAME: node,
    RABBITMQ_MNESIA_BASE: folder,
    RABBITMQ_LOG_BASE: folder,
    RABBITMQ_CONFIG_FILE: config,
    RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
    RABBITMQ_DIST_PORT: String(nodePort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  });
  const url = `http://127.0.0.1:${port}`;
  const request = (path: string, init: RequestInit, who = `muster:${PASSWORD}`): Promise<Response> =>
    fetch(`${url}/api/${path}`, {
      ...init,
      headers: { authorization: `Basic ${Buffer.from(who).toString('base64')}` },
    });
  await until(async () => (await request('whoami', {})).ok, server.output);
  return {
    port,
    amqpPort,
    password: PASSWORD,
    config: { url, user: 'muster', password: PASSWORD },
    ask: async (method, path, body) => {
      const answer = await request(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      const text = await answer.text();
      return text === '' ? undefined : JSON.parse(text);
    },
    control: async (...args) => {
      const program = findProgram('/usr/lib/rabbitmq/bin/rabbitmqctl') ?? 'rabbitmqctl';
      const where = { ...process.env, ...env, RABBITMQ_NODENAME: node };
      return (await promisify(execFile)(program, ['--quiet', ...args], { env: where, maxBuffer: MAX_BYTES })).stdout;
    },
    login: async (user, password) => JSON.stringify(await (await request('whoami', {}, `${user}:${password}`)).json()),
    stop: async () => {
      await server.stop();
      await mapper.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
