import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../runtime/embedded-postgres';

/** A PostgreSQL of its own, seen as its superuser. */
export interface OwnPostgres {
  /** Of the connector. */
  readonly config: Readonly<Record<'host' | 'database' | 'user' | 'password', string>> & { readonly port: number };
  stop(): Promise<void>;
}

/** Starts an embedded one in a folder of its own. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-postgres-'));
  // As root, PostgreSQL runs under another account, which must be able to enter.
  chmodSync(folder, 0o711);
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), port: 0 });
  const url = new URL(server.url);
  return {
    config: {
      host: url.hostname,
      port: Number(url.port),
      database: 'postgres',
      // Since PostgreSQL 16 the GRANT of anybody else grows with the number of roles they made.
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
    },
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
