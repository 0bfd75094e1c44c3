import type { CallContext, Connector, GroupRef, Manager } from '@muster/sdk';
import type { BenchPerson } from './organisation';

const DEFAULT_CONCURRENCY = 8;

/** One system, and how its accounts come there without Muster. */
export interface BareClientOptions {
  readonly connector: Connector;
  readonly config: unknown;
  readonly people: readonly BenchPerson[];
}

interface Made {
  readonly person: BenchPerson;
  readonly ref: { readonly remoteId: string; readonly name: string; readonly key: { userId: string; owner: string } };
}

const OWNER = 'bench:bare';

/**
 * The same calls of the same manager in a plain loop, with as many at a time as Muster makes: groups, accounts, memberships.
 * Answers seconds.
 */
export async function bareClient({ connector, config, people }: BareClientOptions): Promise<number> {
  const Manager = connector.manager;
  if (Manager === undefined) throw new Error(`${connector.kind} has no manager`);
  const manager = new Manager(connector.config.parse(config));
  const lanes = connector.maxConcurrency ?? DEFAULT_CONCURRENCY;
  const begun = performance.now();
  try {
    const groups = new Map<string, GroupRef>();
    await inLanes(lanes, [...new Set(people.flatMap((person) => person.groups))], async (name) => {
      const made = await manager.ensureGroup?.({ key: `g-${name}`, owner: OWNER, name }, call());
      if (made !== undefined) groups.set(name, { ...made, key: `g-${name}`, owner: OWNER });
    });
    const made: Made[] = [];
    await inLanes(lanes, people, async (person) => void made.push(await create(manager, person)));
    if (Manager.membership === 'by group') await fillGroups(manager, { groups, made, lanes });
    else await inLanes(lanes, made, (one) => setGroups(manager, one, groups));
  } finally {
    await manager.close?.();
  }
  return (performance.now() - begun) / 1_000;
}

async function create(manager: Manager, person: BenchPerson): Promise<Made> {
  const key = { userId: person.externalId, owner: OWNER };
  const { username: name, displayName, email } = person;
  const profile = { name, nickname: displayName, displayName, email, attributes: {} };
  const created = await manager.createAccount?.({ key, profile }, call());
  if (created?.outcome !== 'created') throw new Error(`${name}: ${created?.outcome ?? 'cannot be created'}`);
  return { person, ref: { remoteId: created.remoteId, name: created.name, key } };
}

async function setGroups(manager: Manager, made: Made, groups: ReadonlyMap<string, GroupRef>): Promise<void> {
  const wanted = [...new Set(made.person.groups)].flatMap((name) => groups.get(name) ?? []);
  await manager.setGroups?.(made.ref, { wanted, managed: [...groups.values()] }, call());
}

async function fillGroups(
  manager: Manager,
  options: { readonly groups: ReadonlyMap<string, GroupRef>; readonly made: readonly Made[]; readonly lanes: number },
): Promise<void> {
  await inLanes(options.lanes, [...options.groups], async ([name, group]) => {
    const add = options.made.filter(({ person }) => person.groups.includes(name)).map(({ ref }) => ref);
    await manager.changeMembers?.(group, { add, remove: [] }, call());
  });
}

async function inLanes<T>(lanes: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const lane = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function call(): CallContext {
  return { signal: AbortSignal.timeout(60_000), timeoutMs: 60_000 };
}
