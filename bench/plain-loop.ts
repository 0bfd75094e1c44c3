import { PostgresManager } from '../connectors/postgres/manager';
import { PostgresConfig } from '../connectors/postgres/schema';
import type { CallContext, GroupRef } from '@muster/sdk';
import type { BenchPerson } from './organisation';

export interface PlainLoopOptions {
  readonly target: object;
  readonly people: readonly BenchPerson[];
  /** Calls at the same time: as many as Muster makes. */
  readonly concurrency: number;
}

/** The same calls of the same manager without Muster: the groups, then for each person create and set groups. Answers seconds. */
export async function plainLoop(options: PlainLoopOptions): Promise<number> {
  const manager = new PostgresManager(
    PostgresConfig.parse({ ...options.target, rolePrefix: 'plain_', groupPrefix: 'plain_g_' }),
  );
  const owner = 'bench:plain';
  const started = performance.now();
  try {
    const groups = new Map<string, GroupRef>();
    for (const name of new Set(options.people.flatMap((person) => person.groups))) {
      groups.set(name, await manager.ensureGroup({ key: `g-${name}`, owner, name }, call()));
    }
    const managed = [...groups.values()];
    const queue = options.people.values();
    const lane = async (): Promise<void> => {
      for (const person of queue) await provision(manager, person, { groups, managed, owner });
    };
    await Promise.all(Array.from({ length: options.concurrency }, lane));
  } finally {
    await manager.close();
  }
  return (performance.now() - started) / 1000;
}

interface Groups {
  readonly groups: ReadonlyMap<string, GroupRef>;
  readonly managed: readonly GroupRef[];
  readonly owner: string;
}

async function provision(
  manager: PostgresManager,
  person: BenchPerson,
  { groups, managed, owner }: Groups,
): Promise<void> {
  const key = { userId: person.externalId, owner };
  const profile = {
    name: person.username,
    nickname: person.displayName,
    displayName: person.displayName,
    email: person.email,
    attributes: {},
  };
  const created = await manager.createAccount({ key, profile }, call());
  if (created.outcome !== 'created') throw new Error(`${person.username}: ${created.outcome}`);
  const wanted = person.groups.flatMap((name) => groups.get(name) ?? []);
  await manager.setGroups({ remoteId: created.remoteId, name: created.name, key }, { wanted, managed }, call());
}

function call(): CallContext {
  return { signal: AbortSignal.timeout(15_000), timeoutMs: 15_000 };
}
