import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../cli/client';
import { cpuSeconds, peakMemoryMib } from './cpu';
import { makeOrganisation } from './organisation';
import type { BenchPerson } from './organisation';
import { plainLoop } from './plain-loop';
import { startServers } from './servers';
import { benchTokenCheck } from './token-check';
import type { BenchServers } from './servers';
import type { TokenCheckFigures } from './token-check';

export interface ProvisioningFigures {
  readonly people: number;
  readonly memberships: number;
  readonly groups: number;
  readonly importSeconds: number;
  readonly provisionSeconds: number;
  readonly plainSeconds: number;
  readonly workerCpuSeconds: number | undefined;
  readonly workerPeakMib: number | undefined;
  readonly apiPeakMib: number | undefined;
  readonly concurrency: number;
  readonly tokenCheck: TokenCheckFigures;
}

const CONCURRENCY = 8;
const LOOK_MS = 1_000;

/** Imports an organisation and provisions it into a real PostgreSQL, then makes the same manager calls in a plain loop. */
export async function benchProvisioning(people: number, log: (line: string) => void): Promise<ProvisioningFigures> {
  const organisation = makeOrganisation(people, 300);
  const servers = await startServers(log);
  try {
    const importSeconds = await timed(() => importRoster(servers.client, organisation));
    log(`imported ${people} people in ${importSeconds.toFixed(1)} s`);
    const cpuBefore = usedBy(servers, 'worker');
    const provisionSeconds = await timed(() => provision(servers, people, log));
    const cpuAfter = usedBy(servers, 'worker');
    const tokenCheck = await benchTokenCheck(servers.client, servers.apiUrl);
    log(`checked tokens, p99 ${tokenCheck.p99Ms.toFixed(1)} ms`);
    log(`provisioned in ${provisionSeconds.toFixed(1)} s; now the plain loop`);
    const plainSeconds = await plainLoop({
      target: servers.plainTarget,
      people: organisation,
      concurrency: CONCURRENCY,
    });
    return {
      people,
      memberships: organisation.reduce((sum, person) => sum + new Set(person.groups).size, 0),
      groups: new Set(organisation.flatMap((person) => person.groups)).size,
      importSeconds,
      provisionSeconds,
      plainSeconds,
      workerCpuSeconds: cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore,
      workerPeakMib: servers.pids.worker === undefined ? undefined : peakMemoryMib(servers.pids.worker),
      apiPeakMib: servers.pids.api === undefined ? undefined : peakMemoryMib(servers.pids.api),
      concurrency: CONCURRENCY,
      tokenCheck,
    };
  } finally {
    await servers.stop();
  }
}

function usedBy(servers: BenchServers, name: 'worker' | 'api'): number | undefined {
  const pid = servers.pids[name];
  return pid === undefined ? undefined : cpuSeconds(pid);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

async function importRoster(client: Client, people: readonly BenchPerson[]): Promise<void> {
  const content = Readable.from([JSON.stringify({ users: people })]);
  await client.call({ method: 'POST', path: '/v1/imports', stream: { content, contentType: 'application/json' } });
}

async function provision(servers: BenchServers, people: number, log: (line: string) => void): Promise<void> {
  const { client, target } = servers;
  const config = { ...target, rolePrefix: 'm_', groupPrefix: 'm_g_' };
  await client.call({
    method: 'POST',
    path: '/v1/services',
    body: { name: 'bench', connector: 'postgres', config, maxConcurrency: CONCURRENCY },
  });
  await client.call({ method: 'POST', path: '/v1/grants', body: { service: 'bench', state: 'name:Member' } });
  let spoken = 0;
  for (;;) {
    const status = await client.call<{
      due: number;
      running: number;
      waiting: number;
      accounts: Record<string, number>;
    }>({ path: '/v1/services/bench/status' });
    const active = status.accounts['active'] ?? 0;
    if (active === people && status.due + status.running + status.waiting === 0) return;
    if (active - spoken >= people / 5) {
      spoken = active;
      log(`${active} of ${people} accounts`);
    }
    await delay(LOOK_MS);
  }
}
