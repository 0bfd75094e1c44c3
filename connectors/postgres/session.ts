import { createHash } from 'node:crypto';
import { Client, Pool } from 'pg';
import type { ClientConfig, PoolClient } from 'pg';
import { startDeadline, Unavailable } from '@muster/sdk';
import type { CallContext } from '@muster/sdk';
import { connectionOf } from './connection';
import { translatePostgresError } from './failures';
import { MAX_CONCURRENCY } from './schema';
import type { PostgresConfig } from './schema';

const IDLE_TIMEOUT_MS = 30_000;

/**
 * The sessions of one service: a small pool, and transactions that end with the call. A transaction takes an advisory
 * lock on its key first, because two sessions that alter the same role at the same moment do not wait for each other:
 * one of them fails with "tuple concurrently updated" (tried on 15 and 18).
 */
export class Session {
  readonly #connection: ClientConfig;
  readonly #pool: Pool;
  readonly #cancels = new Set<Promise<void>>();

  constructor(config: PostgresConfig) {
    this.#connection = connectionOf(config);
    this.#pool = new Pool({
      ...this.#connection,
      max: MAX_CONCURRENCY,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      allowExitOnIdle: true,
    });
    // An idle session that breaks is replaced at the next call; without a listener it would end the process.
    this.#pool.on('error', () => undefined);
  }

  /** Runs `work` in one transaction, bounded by the call's time and signal. Throws typed errors only. */
  async transaction<T>(call: CallContext, lockKey: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
    const endsAt = Date.now() + call.timeoutMs;
    const deadline = startDeadline(call.signal, call.timeoutMs);
    const { signal } = deadline;
    try {
      const client = await this.#acquire(signal);
      return await this.#run(client, signal, async () => {
        await client.query(beginning(Math.max(1, Math.ceil(endsAt - Date.now())), lockKey));
        const result = await work(client);
        await client.query('commit');
        return result;
      });
    } catch (error) {
      if (signal.aborted)
        throw new Unavailable('The call ran out of time or was cancelled.', { cause: error, code: 'timeout' });
      throw translatePostgresError(error) ?? error;
    } finally {
      deadline.clear();
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
    await Promise.all(this.#cancels);
  }

  /** Takes a session from the pool, but waits no longer than the call may. */
  async #acquire(signal: AbortSignal): Promise<PoolClient> {
    signal.throwIfAborted();
    const pending = this.#pool.connect();
    return new Promise<PoolClient>((resolve, reject) => {
      const onAbort = (): void => {
        // The pool still hands the session over later: give it straight back.
        pending.then(
          (client) => client.release(),
          () => undefined,
        );
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      pending.then(
        (client) => {
          signal.removeEventListener('abort', onAbort);
          if (!signal.aborted) resolve(client);
        },
        (error: unknown) => {
          signal.removeEventListener('abort', onAbort);
          reject(error);
        },
      );
    });
  }

  async #run<T>(client: PoolClient, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    let aborted = false;
    const onAbort = (): void => {
      aborted = true;
      this.#cancel(client);
      client.release(true);
    };
    // The session may break between two statements; the next statement reports it.
    const onError = (): void => undefined;
    client.on('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      const result = await work();
      if (!aborted) client.release();
      return result;
    } catch (error) {
      const broken = aborted || (await cannotRollBack(client));
      // Read again: the call may have been aborted while it rolled back.
      if (!aborted) client.release(broken);
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      client.off('error', onError);
    }
  }

  /** Stops what the server is still doing for a call that nobody waits for. Best effort: statement_timeout ends it anyway. */
  #cancel(client: PoolClient): void {
    const processId = 'processID' in client && typeof client.processID === 'number' ? client.processID : undefined;
    if (processId === undefined) return;
    const job = cancelBackend(this.#connection, processId).finally(() => this.#cancels.delete(job));
    this.#cancels.add(job);
  }
}

/** One round trip: transaction, time limits, lock. */
function beginning(leftMs: number, lockKey: string): string {
  // Read committed and read write are said, since a database or role may have other defaults.
  return [
    'begin isolation level read committed read write',
    `set local statement_timeout = ${leftMs}`,
    // A worker that vanishes without closing its socket must not hold locks for ever.
    `set local idle_in_transaction_session_timeout = ${leftMs + 1000}`,
    `select pg_advisory_xact_lock(${lockNumber(lockKey)})`,
  ].join('; ');
}

function lockNumber(key: string): string {
  return createHash('sha256').update(key).digest().readBigInt64BE().toString();
}

async function cannotRollBack(client: PoolClient): Promise<boolean> {
  try {
    await client.query('rollback');
    return false;
  } catch {
    return true;
  }
}

async function cancelBackend(connection: ClientConfig, processId: number): Promise<void> {
  const client = new Client({ ...connection, connectionTimeoutMillis: 2000, query_timeout: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select pg_cancel_backend($1)', [processId]);
  } catch {
    // The call itself has already failed as Unavailable; this was only a courtesy to the server.
  } finally {
    await client.end().catch(() => undefined);
  }
}
