import { startDeadline, tlsOf, tlsSettings, Unavailable } from '@muster/sdk';
import type { CallContext } from '@muster/sdk';
import { Client } from 'ldapts';
import { failureOfOperation } from './failures';
import type { ConnectionConfig } from './schema';

const CONNECT_TIMEOUT_MS = 10_000;

interface Connection {
  readonly client: Client;
  /** Operations that wait for an answer. */
  running: number;
  /** Closed when its last operation has ended: another one has taken its place. */
  retired: boolean;
}

/**
 * One connection to the directory, shared by all calls: LDAP answers in any order. It is made when it is first needed, and anew when
 * it broke. Nothing is tried again.
 */
export class LdapSession {
  readonly #config: ConnectionConfig;
  #connection: Promise<Connection> | undefined;

  constructor(config: ConnectionConfig) {
    this.#config = config;
  }

  /** Runs one operation within the call's time and the service's budget. `what` names it in messages, e.g. `modify`. */
  async run<T>(call: CallContext, what: string, operation: (client: Client) => Promise<T>): Promise<T> {
    const permit = await call.permit?.(`LDAP ${what}`);
    const deadline = startDeadline(call.signal, call.timeoutMs);
    const { signal } = deadline;
    try {
      const connection = await untilAborted(this.#connect(), signal);
      return await this.#operate(connection, operation, signal);
    } catch (error) {
      throw failureOfOperation(what, error, signal.aborted);
    } finally {
      deadline.clear();
      permit?.answered();
    }
  }

  /** A connection of the caller's own, for paged searches: the server keeps one for each connection. */
  async open(call: CallContext): Promise<Client> {
    try {
      return await untilAborted(connect(this.#config), call.signal);
    } catch (error) {
      throw failureOfOperation('connect', error, call.signal.aborted);
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.then(retire, () => undefined);
  }

  async #operate<T>(
    connection: Connection,
    operation: (client: Client) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    // A client that lost its connection would make a new one by itself, and be nobody on it.
    if (!connection.client.isBound)
      throw new Unavailable('The connection to the directory broke.', { code: 'network' });
    connection.running += 1;
    const running = operation(connection.client);
    running.then(
      () => settled(connection),
      () => settled(connection),
    );
    try {
      return await untilAborted(running, signal);
    } catch (error) {
      // No answer in time: the connection may hang. The others on it may still end.
      if (signal.aborted) this.#abandon(connection);
      throw error;
    }
  }

  async #connect(): Promise<Connection> {
    const current = await this.#connection?.catch(() => undefined);
    if (current?.client.isBound === true && !current.retired) return current;
    if (current !== undefined) this.#abandon(current);
    this.#connection ??= connect(this.#config).then((client) => ({ client, running: 0, retired: false }));
    const made = this.#connection;
    try {
      return await made;
    } catch (error) {
      if (this.#connection === made) this.#connection = undefined;
      throw error;
    }
  }

  #abandon(connection: Connection): void {
    if (connection.retired) return;
    this.#connection = undefined;
    retire(connection);
  }
}

async function connect(config: ConnectionConfig): Promise<Client> {
  const tls = tlsSettings(tlsOf(config));
  const isEncrypted = config.url.startsWith('ldaps:');
  // Given with ldap://, TLS settings would make the client speak TLS from the first byte on.
  const client = new Client({
    url: config.url,
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(isEncrypted ? { tlsOptions: tls } : {}),
  });
  try {
    if (config.startTls === true && !isEncrypted) await client.startTLS({ host: new URL(config.url).hostname, ...tls });
    await client.bind(config.bindDn, config.bindPassword);
    return client;
  } catch (error) {
    await hangUp(client);
    throw error;
  }
}

/** For paged searches. */
export async function hangUp(client: Client): Promise<void> {
  // It may be broken already, and then there is nothing to say goodbye to.
  await client.unbind().catch(() => undefined);
}

function settled(connection: Connection): void {
  connection.running -= 1;
  if (connection.retired && connection.running === 0) void hangUp(connection.client);
}

function retire(connection: Connection): void {
  connection.retired = true;
  if (connection.running === 0) void hangUp(connection.client);
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new Unavailable('The directory did not answer in time.', { code: 'timeout' }));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
