import type { Queryable } from '../store/database';
import type { EngineService } from '../store/engine-services';
import { blockService, pauseService } from '../store/engine-services';
import { notifyOperators } from '../store/notify';
import type { ActivityDependencies } from './dependencies';
import type { FailureVerdict } from './failures';

/** First probe of a service that was paused for its credentials. */
const FIRST_PROBE_MS = 30_000;

/** Acts on what a failure means for the whole service: closes it for a while, or pauses it and tells the operators once. */
export async function serviceTrouble(
  deps: ActivityDependencies,
  service: EngineService,
  verdict: FailureVerdict,
): Promise<void> {
  if (verdict.service === null) return;
  if (verdict.service.kind === 'block') {
    await blockService(deps.db, service.id, verdict.service.ms);
    return;
  }
  const { detail } = verdict.service;
  const paused = await deps.db.transaction((client) => pauseAndTell(client, service, detail));
  if (paused) deps.log.warn({ event: 'service.paused', service: service.name, reason: 'credentials' });
}

/** Together: a pause of which nobody hears would last. False: it was paused already. */
async function pauseAndTell(client: Queryable, service: EngineService, detail: string): Promise<boolean> {
  const paused = await pauseService(client, service.id, { reason: 'credentials', detail, probeMs: FIRST_PROBE_MS });
  if (!paused) return false;
  await notifyOperators(client, {
    level: 'danger',
    title: `${service.title ?? service.name} is paused`,
    text: `Muster cannot work with the service ${service.name}: ${detail}. Nothing is lost: it is tried again by itself, and goes on once the cause is gone.`,
    serviceName: service.name,
    dedupeKey: `paused/${service.name}`,
  });
  return true;
}
