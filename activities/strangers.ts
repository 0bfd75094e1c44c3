import { candidateName, chooseFormat, formatName } from '../domain/names';
import { isKept, matchAdoptions } from '../domain/orphans';
import type { AdoptionCandidate } from '../domain/orphans';
import { managerAbilities } from '@muster/sdk';
import { hookFor, INERT_PORT } from '../hooks/service-hooks';
import type { Queryable } from '../store/database';
import type { EngineService } from '../store/engine-services';
import {
  accountlessPeople,
  assignAccounts,
  listedStrangers,
  noteAdoptions,
  recordForgotten,
  takeOrphans,
} from '../store/orphans';
import type { Reconciliation } from '../store/reconciliations';
import type { ActivityDependencies } from './dependencies';

export interface StrangersRequest {
  readonly run: Pick<Reconciliation, 'id' | 'mode'>;
  readonly service: EngineService;
}

/**
 * What a comparison does about accounts that Muster did not make: nothing, but what the service's settings say. Who they belong
 * to by the rule stands in the report; where that is asked, they get our key, and those that are nobody's go as far as the
 * guard lets them. Answers how many accounts are due by this.
 */
export async function dealWithStrangers(
  client: Queryable,
  deps: ActivityDependencies,
  { run, service }: StrangersRequest,
): Promise<number> {
  const { orphans } = service;
  const repairs = run.mode === 'repair';
  const forgotten = repairs ? await recordForgotten(client, run.id) : 0;
  const canAdopt = managerAbilities(deps.registry.get(service.connector)?.manager).includes('adoptAccount');
  if (!canAdopt) return forgotten;
  const strangers = await listedStrangers(client, run.id);
  const candidates = (orphans.adopt ?? 'never') === 'never' ? [] : await candidatesOf(client, deps, service);
  const matches = matchAdoptions(orphans, strangers, candidates);
  const adoptions = strangers.flatMap((account) => {
    const userId = matches.get(account.remoteId);
    return userId === undefined ? [] : [{ userId, account }];
  });
  await noteAdoptions(client, run.id, adoptions);
  if (!repairs) return forgotten;
  const assigned = await assignAccounts(client, service.id, adoptions);
  const policy = orphans.unknown ?? 'report';
  if (policy === 'report') return forgotten + assigned;
  const accounts = strangers.filter(({ remoteId, name }) => !matches.has(remoteId) && !isKept(orphans, name));
  return forgotten + assigned + (await takeOrphans(client, { serviceId: service.id, policy, accounts }));
}

/** Under the name that their account would have, were it free. */
async function candidatesOf(
  client: Queryable,
  deps: ActivityDependencies,
  service: EngineService,
): Promise<readonly AdoptionCandidate[]> {
  const hook = hookFor(deps.registry, service, INERT_PORT);
  const rules = deps.registry.get(service.connector)?.names;
  const { nameFormats, nameFormat } = service;
  return (await accountlessPeople(client, service.id)).map(({ userId, email, ...person }) => {
    const { format } = chooseFormat({ nameFormats, nameFormat, hookFormat: hook.nameFormat }, person.state);
    return { userId, email, name: candidateName(formatName(format, person), 0, rules) };
  });
}
