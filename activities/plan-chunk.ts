import { isServiceError, managerAbilities } from '@muster/sdk';
import type { ServiceHook } from '@muster/sdk';
import { isDeepStrictEqual } from 'node:util';
import { decide } from '../domain/decide';
import type { Profile } from '../domain/decide';
import { chooseFormat, formatName } from '../domain/names';
import { planAccount, viewAccount } from '../domain/plan-account';
import { hookFor, INERT_PORT } from '../hooks/service-hooks';
import { freeName } from '../store/account-names';
import type { EngineService } from '../store/engine-services';
import { whyWanted } from '../store/explain-sentences';
import { readGroupNames, readPlanFacts } from '../store/plan-facts';
import type { PlanFacts } from '../store/plan-facts';
import { readSituations } from '../store/situations';
import type { AccountSituation } from '../store/situations';
import type { ItemResult, SyncItem } from '../store/sync-items';
import { isEntitled, situationOf } from './converge';
import type { HookAccess } from './converge';
import type { ActivityDependencies } from './dependencies';

export interface PlanBatch {
  readonly service: EngineService;
  readonly items: readonly SyncItem[];
  readonly access: HookAccess;
}

/**
 * Says of each account what would be done to it, from the decision that its execution would take. Nothing is called,
 * reserved, counted or made due: a plan leaves no trace but itself.
 */
export async function planBatch(deps: ActivityDependencies, batch: PlanBatch): Promise<readonly ItemResult[]> {
  const { service, items } = batch;
  const userIds = items.map((item) => item.userId);
  const situations = new Map((await readSituations(deps.db, service.id, userIds)).map((s) => [s.userId, s]));
  const facts = await readPlanFacts(deps.db, service.id, userIds);
  const hook = hookFor(deps.registry, service, batch.access.portFor?.(service) ?? INERT_PORT);
  const planned: ItemResult[] = [];
  for (const { seq, userId } of items) {
    const situation = situations.get(userId);
    if (situation === undefined) planned.push({ seq, outcome: 'skipped', reason: 'no such account' });
    else planned.push({ seq, ...(await planOne({ deps, service, hook, facts }, situation)) });
  }
  return planned;
}

interface Planning {
  readonly deps: ActivityDependencies;
  readonly service: EngineService;
  readonly hook: ServiceHook;
  readonly facts: PlanFacts;
}

async function planOne(planning: Planning, account: AccountSituation): Promise<Omit<ItemResult, 'seq'>> {
  try {
    return await planKnown(planning, account);
  } catch (error) {
    // Also of a plan one account that cannot be decided stops none of the others.
    if (!isServiceError(error)) throw error;
    return { outcome: 'failed', reason: error.message };
  }
}

async function planKnown(planning: Planning, account: AccountSituation): Promise<Omit<ItemResult, 'seq'>> {
  const { deps, service, hook, facts } = planning;
  const entitled = await isEntitled(account, hook);
  const mayWant = entitled && account.choice !== 'declined';
  const profile = mayWant ? await plannedProfile(planning, account) : null;
  if (profile === 'no name') return { outcome: 'failed', reason: 'no name that the service takes can be made' };
  const abilities = new Set(managerAbilities(deps.registry.get(service.connector)?.manager));
  const decided = situationOf({ situation: account, service, profile, entry: { abilities } }, entitled);
  const situation = { ...decided, graceOver: facts.graceOver.has(account.userId) };
  const decision = decide(situation);
  if (decision.impossible !== null) return { outcome: 'failed', reason: decision.impossible };
  const why = whyOf(planning, account, entitled);
  const planned = planAccount({ situation, decision, names: facts.groupNames, why });
  if (planned.steps.length === 0) return { outcome: 'unchanged', reason: undefined, planned };
  return { outcome: 'succeeded', reason: `would do: ${planned.steps.join(', ')}`, planned };
}

/** As the execution would make it, but no name is reserved. */
async function plannedProfile(
  { deps, service, hook }: Planning,
  { user }: AccountSituation,
): Promise<Profile | null | 'no name'> {
  if (user === null) return null;
  const settings = { nameFormats: service.nameFormats, nameFormat: service.nameFormat, hookFormat: hook.nameFormat };
  const wanted = formatName(chooseFormat(settings, user.state).format, user);
  const rules = deps.registry.get(service.connector)?.names;
  const name = await freeName(deps.db, { serviceId: service.id, userId: user.id, name: wanted, rules });
  if (name === undefined) return 'no name';
  const nickname = formatName(service.nicknameFormat ?? hook.nicknameFormat ?? '{displayName}', user);
  return { name, nickname, displayName: user.displayName, email: user.email, attributes: user.attributes };
}

function whyOf({ service, facts }: Planning, account: AccountSituation, entitled: boolean): string {
  const entitlement = {
    serviceId: service.id,
    service: service.name,
    serviceEnabled: account.serviceEnabled,
    begins: account.begins,
    onLoss: account.onLoss,
    username: account.user?.username ?? null,
    active: account.user?.active ?? false,
    state: account.user?.state ?? null,
    grantId: account.grantId,
    byHookState: account.hookState,
    byHookDecision: entitled && account.grantId === null && !account.hookState,
    entitled,
  };
  return whyWanted(entitlement, account.choice, facts.grants.get(account.userId) ?? []);
}

export interface ExecutedBatch {
  readonly service: EngineService;
  readonly items: readonly SyncItem[];
  readonly results: readonly ItemResult[];
}

/**
 * Says of the accounts of an executed plan where they came out otherwise than planned: what counts is how they should be
 * now. Results of other syncs stay as they are.
 */
export async function sayDifferences(
  deps: Pick<ActivityDependencies, 'db'>,
  { service, items, results }: ExecutedBatch,
): Promise<readonly ItemResult[]> {
  const planned = new Map(items.flatMap((item) => (item.planned === null ? [] : [[item.seq, item] as const])));
  const done = results.filter(({ seq, outcome }) => planned.has(seq) && isDone(outcome));
  if (done.length === 0) return results;
  const names = await readGroupNames(deps.db, service.id);
  const userIds = done.flatMap(({ seq }) => planned.get(seq)?.userId ?? []);
  const now = new Map((await readSituations(deps.db, service.id, userIds)).map((s) => [s.userId, s]));
  return results.map((result) => {
    const item = planned.get(result.seq);
    const situation = item === undefined ? undefined : now.get(item.userId);
    if (item?.planned == null || situation === undefined || !isDone(result.outcome)) return result;
    const { steps, after } = item.planned;
    if (isDeepStrictEqual(after, viewAccount(situation, names))) return result;
    const did = result.reason ?? 'nothing to do';
    return { ...result, reason: `${did} (changed since the plan, which said: ${steps.join(', ')})` };
  });
}

function isDone(outcome: ItemResult['outcome']): boolean {
  return outcome === 'succeeded' || outcome === 'unchanged';
}
