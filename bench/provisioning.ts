import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../cli/client';
import { cpuSeconds, peakMemoryMib } from './cpu';
import { makeOrganisation } from './organisation';
import type { BenchPerson } from './organisation';
import { plainLoop } from './plain-loop';
import { startServers } from './servers';
import type { BenchServers } from './servers';
import { atMost, paragraphs } from './section';
import type { BenchOptions, SectionReport } from './section';

interface ProvisioningFigures {
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
}

const PEOPLE = 10_000;
const CONCURRENCY = 8;
const LOOK_MS = 1_000;

/** Imports an organisation and provisions it into a real PostgreSQL, then makes the same manager calls in a plain loop. */
export async function benchProvisioning(options: BenchOptions): Promise<SectionReport> {
  return reportOf(await measure(options.people ?? PEOPLE, options.log));
}

async function measure(people: number, log: (line: string) => void): Promise<ProvisioningFigures> {
  const organisation = makeOrganisation(people, 300);
  const servers = await startServers(log);
  try {
    const importSeconds = await timed(() => importRoster(servers.client, organisation));
    log(`imported ${people} people in ${importSeconds.toFixed(1)} s`);
    const cpuBefore = usedBy(servers, 'worker');
    const provisionSeconds = await timed(() => provision(servers, people, log));
    const cpuAfter = usedBy(servers, 'worker');
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
    body: { name: 'bench', connector: 'postgres', firstRun: 'write', config, maxConcurrency: CONCURRENCY },
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

function reportOf(figures: ProvisioningFigures): SectionReport {
  const { people, provisionSeconds, plainSeconds, importSeconds } = figures;
  const rate = (seconds: number): string => `${(people / seconds).toFixed(0)}/s`;
  const engineSeconds = Math.max(0, provisionSeconds - plainSeconds);
  return {
    method: paragraphs(
      `${people} people, ${figures.groups} groups, ${figures.memberships} memberships; one API process, one worker process, embedded PostgreSQL for`,
      'Muster, a second cluster as the external service, the Temporal development server: all on this machine, sharing its cores.',
      'Provisioning is the time from adding the service to the last account being as it should be: create and set groups for each',
      `person, ${figures.concurrency} calls at a time. The plain loop makes the same calls of the same manager with the same concurrency,`,
      'without Muster, against a fresh server of the same kind, after Muster has finished (so it has the cores for itself).',
      "Both log in as the server's superuser: since PostgreSQL 16 a GRANT of anybody else grows with the number of roles they made.",
    ),
    tables: [
      {
        columns: ['what', 'time', 'people per second'],
        rows: [
          ['import', `${importSeconds.toFixed(1)} s`, rate(importSeconds)],
          ['provisioning with Muster', `${provisionSeconds.toFixed(1)} s`, rate(provisionSeconds)],
          ['the same calls in a plain loop', `${plainSeconds.toFixed(1)} s`, rate(plainSeconds)],
        ],
      },
    ],
    bars: [atMost("the engine's share / that of the calls", engineSeconds / plainSeconds, { value: 1 })],
    remarks: workerWords(figures),
  };
}

function workerWords({ workerCpuSeconds, workerPeakMib, apiPeakMib, people }: ProvisioningFigures): readonly string[] {
  if (workerCpuSeconds === undefined) return [];
  const each = ((workerCpuSeconds * 1000) / people).toFixed(1);
  return [
    `Worker: ${workerCpuSeconds.toFixed(1)} s of CPU (${each} ms an account), peak ${workerPeakMib ?? '?'} MiB; API peak ${apiPeakMib ?? '?'} MiB.`,
  ];
}
