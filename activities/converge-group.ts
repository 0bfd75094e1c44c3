import type { ConvergeOutcome } from '../workflows/contracts';
import { candidateName } from '../domain/names';
import { Conflict, Gone, isServiceError } from '@muster/sdk';
import type { EngineService } from '../store/engine-services';
import { forgetRemoteGroup, releaseGroupLease, takeGroupLease } from '../store/remote-groups';
import type { GroupRelease, ManagedGroup } from '../store/remote-groups';
import type { ActivityDependencies } from './dependencies';
import { judgeFailure } from './failures';
import { convergeMembers } from './group-members';
import type { CallOptions } from './manager-call';
import { callManager } from './manager-call';
import type { ManagerEntry } from './managers';
import { serviceTrouble, serviceWorked } from './service-trouble';

const LEASE_MS = 60_000;
const MAX_NAMES = 20;

export interface GroupRound {
  readonly service: EngineService;
  readonly entry: ManagerEntry;
  readonly call: CallOptions;
  /** Business key of whoever converges: workflow, or sync and chunk. */
  readonly holder: string;
}

/** Makes one remote group what it should be: there, and named as wanted. Members of `by account` services come later, from their accounts. */
export async function convergeGroup(
  deps: ActivityDependencies,
  round: GroupRound,
  remoteGroupId: string,
): Promise<ConvergeOutcome> {
  const group = await takeGroupLease(deps.db, { remoteGroupId, holder: round.holder, leaseMs: LEASE_MS });
  if (group === undefined) return { outcome: 'later', waitMs: 200, reason: 'another worker is at it', did: [] };
  const release = await attempt(deps, round, group);
  const released = await releaseGroupLease(deps.db, group, release.release);
  // Who asked meanwhile found it leased: round again, as with accounts.
  if (released === 'changed' && release.outcome.outcome === 'settled')
    return { outcome: 'again', did: release.outcome.did };
  return release.outcome;
}

interface Attempt {
  readonly release: GroupRelease;
  readonly outcome: ConvergeOutcome;
}

async function attempt(deps: ActivityDependencies, round: GroupRound, group: ManagedGroup): Promise<Attempt> {
  const same = { version: group.version, remoteId: group.remoteId, remoteName: group.remoteName };
  try {
    const made = await make(deps, round, group);
    deps.failpoint('group:after-call');
    const members = await withMembers(deps, round, { group, made });
    if (made.did.length + members.length > 0) await serviceWorked(deps, round.service);
    const release: GroupRelease = {
      ...same,
      ...made.facts,
      reached: true,
      attention: null,
      nextTryMs: null,
      failures: 0,
      error: null,
    };
    return { release, outcome: { outcome: 'settled', did: [...made.did, ...members] } };
  } catch (error) {
    if (!isServiceError(error)) throw error;
    const judged = judgeFailure(error, group.failures, deps.random());
    const verdict = await serviceTrouble(deps, round.service, { verdict: judged, subject: group.id });
    const { attention, nextTryMs, failures } = verdict;
    // Somebody removed it over there: it is made anew at the next try, and its members join it again.
    const isGone = error.kind === 'gone' && group.remoteId !== null;
    if (isGone && group.remoteId !== null) await forgetRemoteGroup(deps.db, round.service.id, group.remoteId);
    const known = isGone ? { ...same, remoteId: null, remoteName: null } : same;
    const release: GroupRelease = {
      ...known,
      reached: false,
      attention: attention === 'rejected' || attention === 'waiting' ? attention : null,
      nextTryMs,
      failures,
      error: verdict.error,
    };
    const reason = `${verdict.outcome}: ${error.message}`;
    return {
      release,
      outcome:
        nextTryMs === 'never'
          ? { outcome: 'stopped', reason, did: [] }
          : { outcome: 'later', waitMs: nextTryMs ?? 1000, reason, did: [] },
    };
  }
}

interface MadeGroup {
  readonly group: ManagedGroup;
  readonly made: Made;
}

/** Members are the group's business only where the service keeps them by group. */
async function withMembers(
  deps: ActivityDependencies,
  round: GroupRound,
  { group, made }: MadeGroup,
): Promise<readonly string[]> {
  const { remoteId, remoteName } = made.facts;
  const byGroup = round.service.membership === 'by group' && round.entry.abilities.has('changeMembers');
  if (!byGroup || remoteId === null) return [];
  const ref = { remoteId, name: remoteName ?? group.name };
  return convergeMembers(deps, round, { id: group.id, version: group.version, ref });
}

interface Made {
  readonly facts: { readonly remoteId: string | null; readonly remoteName: string | null };
  readonly did: readonly string[];
}

async function make(deps: ActivityDependencies, round: GroupRound, group: ManagedGroup): Promise<Made> {
  if (group.remoteId !== null && group.remoteName === group.name) return { facts: kept(group), did: [] };
  if (group.remoteId !== null && group.remoteName !== null) return rename(round, group);
  if (!round.entry.abilities.has('ensureGroup'))
    return { facts: { remoteId: group.name, remoteName: group.name }, did: [] };
  return ensure(deps, round, group);
}

function kept(group: ManagedGroup): Made['facts'] {
  return { remoteId: group.remoteId, remoteName: group.remoteName };
}

async function rename(round: GroupRound, group: ManagedGroup): Promise<Made> {
  const { manager, abilities } = round.entry;
  // A service that cannot rename keeps the old name: the group is the same one, its members are right.
  if (!abilities.has('renameGroup') || group.remoteId === null || group.remoteName === null)
    return { facts: kept(group), did: [] };
  const ref = { remoteId: group.remoteId, name: group.remoteName };
  const outcome = await callManager(round.entry, round.call, async (context) =>
    manager.renameGroup?.(ref, group.name, context),
  );
  if (outcome === 'gone') throw new Gone('the group is not there any more');
  return { facts: { remoteId: group.remoteId, remoteName: group.name }, did: ['rename group'] };
}

/** Makes the group; a name that a stranger's group has gets a suffix, so that nobody joins a group that is not ours. */
async function ensure(deps: ActivityDependencies, round: GroupRound, group: ManagedGroup): Promise<Made> {
  const { manager, connector } = round.entry;
  for (let tryCount = 0; tryCount < MAX_NAMES; tryCount += 1) {
    const name = candidateName(group.name, tryCount, connector.groupNames);
    const wanted = { key: group.id, owner: `${deps.installId}:${round.service.id}`, name };
    try {
      const made = await callManager(round.entry, round.call, async (context) =>
        manager.ensureGroup?.(wanted, context),
      );
      if (made === undefined) break;
      return { facts: { remoteId: made.remoteId, remoteName: group.name }, did: ['make group'] };
    } catch (error) {
      if (!isServiceError(error) || error.kind !== 'conflict') throw error;
    }
  }
  throw new Conflict(`no free name was found for the group ${group.name}`);
}
