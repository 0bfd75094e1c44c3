import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../config/config';
import { processEnvironment } from '../config/environment';
import { createClient } from '../cli/client';
import type { Client } from '../cli/client';
import { ensureAdminToken } from '../auth/admin-token';
import { findRecordedProcess } from '../runtime/process-identity';
import { launch } from '../runtime/launch';
import { freePort } from '../runtime/ports';
import { startEmbeddedPostgres } from '../runtime/embedded-postgres';
import { createSupervisor } from '../runtime/supervisor';

/** As its superuser: since PostgreSQL 16 everybody else's GRANT grows with the number of roles they made, whoever asks. */
export interface TargetConfig {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

/** A whole Muster of its own, as `npm start` runs it, with an external PostgreSQL. */
export interface BenchServers {
  readonly client: Client;
  readonly apiUrl: string;
  /** Configuration of the external service that Muster provisions. */
  readonly target: TargetConfig;
  /** A server like it, for the plain loop: it must not find the roles of the first run. */
  readonly plainTarget: TargetConfig;
  readonly pids: Readonly<Record<'worker' | 'api', number | undefined>>;
  stop(): Promise<void>;
}

/** Starts everything in a folder of its own, on free ports; `stop` removes it again. */
export async function startServers(log: (line: string) => void): Promise<BenchServers> {
  const home = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const [api, postgres, target, temporal, ui] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const environment = {
    ...processEnvironment(),
    MUSTER_HOME: home,
    MUSTER_API_PORT: String(api),
    MUSTER_POSTGRES_PORT: String(postgres),
    MUSTER_TARGET_PORT: String(target),
    MUSTER_TEMPORAL_PORT: String(temporal),
    MUSTER_TEMPORAL_UI_PORT: String(ui),
  };
  const config = loadConfig(environment);
  const supervisor = createSupervisor({ log });
  const launched = await launch({ config, supervisor, environment, log, target: true });
  if (launched.target === undefined) throw new Error('the external service was not started');
  const plain = await startEmbeddedPostgres({ dataDir: join(home, 'plain-target'), port: 0 });
  return {
    client: createClient({ url: launched.apiUrl, token: ensureAdminToken(home) }),
    apiUrl: launched.apiUrl,
    target: targetOf(launched.target.url),
    plainTarget: targetOf(plain.url),
    pids: { worker: pidOf(home, 'worker'), api: pidOf(home, 'api') },
    stop: async () => {
      await plain.stop();
      await supervisor.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** The log-in of an embedded server, as the connector takes it. */
export function targetOf(address: string): TargetConfig {
  const url = new URL(address);
  return {
    host: url.hostname,
    port: Number(url.port),
    database: 'postgres',
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
}

function pidOf(home: string, name: string): number | undefined {
  return findRecordedProcess(join(home, 'run', `${name}.pid`))?.pid;
}
