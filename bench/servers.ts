import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../config/config';
import { createClient } from '../cli/client';
import type { Client } from '../cli/client';
import { ensureAdminToken } from '../auth/admin-token';
import { findRecordedProcess } from '../runtime/process-identity';
import { launch } from '../runtime/launch';
import { freePort } from '../runtime/ports';
import { ensureProvisioner, PROVISIONER } from '../runtime/provisioner-role';
import { createSupervisor } from '../runtime/supervisor';

/** A whole Muster of its own, as `npm start` runs it, with an external PostgreSQL. */
export interface BenchServers {
  readonly client: Client;
  readonly target: { readonly host: string; readonly port: number; readonly database: string; readonly user: string; readonly password: string };
  readonly pids: Readonly<Record<'worker' | 'api', number | undefined>>;
  stop(): Promise<void>;
}

/** Starts everything in a folder of its own, on free ports; `stop` removes it again. */
export async function startServers(log: (line: string) => void): Promise<BenchServers> {
  const home = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const [api, postgres, target, temporal, ui] = await Promise.all([freePort(), freePort(), freePort(), freePort(), freePort()]);
  const environment = {
    ...process.env,
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
  const password = await ensureProvisioner(launched.target.url, join(home, 'provisioner-password'));
  return {
    client: createClient({ url: launched.apiUrl, token: ensureAdminToken(home) }),
    target: { host: '127.0.0.1', port: launched.target.port, database: 'postgres', user: PROVISIONER, password },
    pids: { worker: pidOf(home, 'worker'), api: pidOf(home, 'api') },
    stop: async () => {
      await supervisor.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function pidOf(home: string, name: string): number | undefined {
  return findRecordedProcess(join(home, 'run', `${name}.pid`))?.pid;
}
