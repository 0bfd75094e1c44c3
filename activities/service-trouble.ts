import { DEFAULT_BREAKER, opensBreaker } from '../domain/breaker';
import type { CountedFailure } from '../domain/breaker';
import { countFailure, endStreak, writtenSinceStreak } from '../store/breaker';
import type { Queryable } from '../store/database';
import type { EngineService, QuarantineReason } from '../store/engine-services';
import { blockService, engineServiceById, pauseService } from '../store/engine-services';
import { notifyOperators } from '../store/notify';
import type { ActivityDependencies } from './dependencies';
import type { FailureVerdict } from './failures';

/** First probe of a service that was paused for its credentials. */
const FIRST_PROBE_MS = 30_000;

/** Services of which this process has counted a failure since it last saw a success. */
const suspects = new Set<string>();

export interface Trouble {
  readonly verdict: FailureVerdict;
  /** The account or group that it happened to; without one nothing is counted. */
  readonly subject?: string;
}

/**
 * Acts on what a failure means for the whole service: closes it for a while, pauses it, or counts. Answers the verdict on
 * the account, which uses up none of its patience where the service is to blame.
 */
export async function serviceTrouble(
  deps: ActivityDependencies,
  service: EngineService,
  { verdict, subject }: Trouble,
): Promise<FailureVerdict> {
  if (verdict.service === null) return verdict;
  if (verdict.service.kind === 'block') {
    await blockService(deps.db, service.id, verdict.service.ms);
    return verdict;
  }
  const { detail } = verdict.service;
  if (verdict.service.kind === 'pause') {
    await quarantine(deps, service, { reason: 'credentials', detail, probeMs: FIRST_PROBE_MS });
    return verdict;
  }
  if (subject === undefined) return verdict;
  const isClosed = await counted(deps, service, { as: verdict.service.as, detail, subject });
  if (!isClosed || verdict.service.as !== 'unavailable') return verdict;
  const failures = Math.max(0, verdict.failures - 1);
  return { ...verdict, failures, nextTryMs: null, outcome: 'service paused' };
}

/** A call has done something: whatever failures there were in a row, the service as a whole is not broken. */
export async function serviceWorked(deps: ActivityDependencies, service: EngineService): Promise<void> {
  if (!suspects.has(service.id) && !service.suspect) return;
  suspects.delete(service.id);
  await endStreak(deps.db, service.id);
}

interface Counted {
  readonly as: CountedFailure;
  readonly detail: string;
  readonly subject: string;
}

/** Counts a failure, and opens the breaker when there are too many in a row. Answers whether the service is closed now. */
async function counted(deps: ActivityDependencies, service: EngineService, failure: Counted): Promise<boolean> {
  const { as, detail, subject } = failure;
  // Who refuses an account has answered.
  if (as === 'too many failures' && service.suspect) await endStreak(deps.db, service.id, 'unavailable');
  const streak = await countFailure(deps.db, { serviceId: service.id, kind: as, subject });
  suspects.add(service.id);
  if (opensBreaker(service.breaker, as, streak)) {
    if (await writtenSinceStreak(deps.db, service.id, as)) await endStreak(deps.db, service.id, as);
    else {
      const probeMs = (service.breaker.probeSeconds ?? DEFAULT_BREAKER.probeSeconds) * 1000;
      await quarantine(deps, service, { reason: as, detail, probeMs });
    }
  }
  const now = await engineServiceById(deps.db, service.id);
  return now !== undefined && now.pausedReason !== null;
}

interface Quarantine {
  readonly reason: QuarantineReason;
  readonly detail: string;
  readonly probeMs: number | null;
}

async function quarantine(deps: ActivityDependencies, service: EngineService, pause: Quarantine): Promise<void> {
  const paused = await deps.db.transaction((client) => pauseAndTell(client, service, pause));
  if (paused) deps.log.warn({ event: 'service.paused', service: service.name, reason: pause.reason });
}

const WHAT: Readonly<Record<QuarantineReason, string>> = {
  credentials: 'Muster cannot work with the service',
  unavailable: 'Call after call of many accounts found no answer at the service',
  'too many failures': 'Account after account was refused by the service',
  guard: 'More would be taken away than the guard allows on the service',
};

/** Together: a pause of which nobody hears would last. False: it was paused already. */
async function pauseAndTell(client: Queryable, service: EngineService, pause: Quarantine): Promise<boolean> {
  const paused = await pauseService(client, service.id, pause);
  if (!paused) return false;
  await notifyOperators(client, {
    level: 'danger',
    title: `${service.title ?? service.name} is paused`,
    text: `${WHAT[pause.reason]} ${service.name}: ${pause.detail}. Nothing is lost: it is tried again by itself, and goes on once the cause is gone.`,
    serviceName: service.name,
    dedupeKey: `paused/${service.name}`,
  });
  return true;
}
