import { join } from 'node:path';
import { startEmbeddedPostgres } from '../runtime/embedded-postgres';
import { cpuSince, markCpu } from './cost';
import type { AccountCost } from './cost';
import type { BenchMuster } from './muster';
import type { BenchPerson } from './organisation';
import { insertPeople } from './people';
import { plainLoop } from './plain-loop';
import { atRest, pauseService, prepareService, resumeService } from './scene';
import { targetOf } from './servers';

export interface PostgresPace {
  readonly loopPerSecond: number;
  readonly musterPerSecond: number;
  readonly musterSeconds: number;
  readonly cost: AccountCost;
}

const SERVICE = 'o-postgres';
const CREW = 'crew';
const WARM = 500;

/**
 * Muster against a plain loop where the service is a real PostgreSQL on the same machine: no latency is added, what a call takes is
 * the server's own work. Both are timed in all, as no journal tells the first and the last call.
 */
export async function paceWithPostgres(
  muster: BenchMuster,
  { accounts, inFlight }: { readonly accounts: number; readonly inFlight: number },
): Promise<PostgresPace> {
  const [plain, target] = await Promise.all(
    ['plain', 'target'].map((name) => startEmbeddedPostgres({ dataDir: join(muster.home, name), port: 0 })),
  );
  if (plain === undefined || target === undefined) throw new Error('a server is missing');
  const loop = async (prefix: string, count: number): Promise<number> => {
    const people = crew(prefix, count);
    return count / (await plainLoop({ target: targetOf(plain.url), people, concurrency: inFlight }));
  };
  try {
    await loop('warm', WARM);
    const before = await loop('before', accounts);
    const { seconds, cost } = await provision(muster, { accounts, inFlight, config: targetOf(target.url) });
    const after = await loop('after', accounts);
    return { loopPerSecond: (before + after) / 2, musterPerSecond: accounts / seconds, musterSeconds: seconds, cost };
  } finally {
    await Promise.all([plain.stop(), target.stop()]);
  }
}

function crew(prefix: string, count: number): readonly BenchPerson[] {
  return Array.from({ length: count }, (_none, index) => {
    const username = `${prefix}-${index + 1}`;
    const email = `${username}@example.org`;
    return {
      externalId: username,
      username,
      displayName: `Person ${index + 1}`,
      email,
      state: 'Member',
      groups: [CREW],
    };
  });
}

async function provision(
  muster: BenchMuster,
  { accounts, inFlight, config }: { readonly accounts: number; readonly inFlight: number; readonly config: object },
): Promise<{ readonly seconds: number; readonly cost: AccountCost }> {
  await insertPeople(muster.db, { prefix: SERVICE, count: accounts, group: SERVICE });
  const prefixes = { rolePrefix: 'm_', groupPrefix: 'm_g_' };
  const service = { connector: 'postgres', config: { ...config, ...prefixes }, maxConcurrency: inFlight };
  await prepareService(muster, { name: SERVICE, ...service }, SERVICE);
  const before = markCpu(muster);
  const begun = performance.now();
  await resumeService(muster, SERVICE);
  await atRest(muster.db, 600, SERVICE);
  const seconds = (performance.now() - begun) / 1_000;
  const cost = { used: cpuSince(muster, before), accounts };
  await pauseService(muster, SERVICE);
  const made = await muster.db.query<{ count: string }>(
    `select count(*) from accounts a join services s on s.id = a.service_id
     where s.name = $1 and a.status = 'active' and a.wanted_version = a.applied_version`,
    [SERVICE],
  );
  if (Number(made.rows[0]?.count) !== accounts) throw new Error(`${made.rows[0]?.count} of ${accounts} accounts`);
  return { seconds, cost };
}
