import type { EngineService } from '../store/engine-services';
import { blockService, pauseService } from '../store/engine-services';
import { notifyOperators } from '../store/notify';
import type { ActivityDependencies } from './dependencies';
import type { FailureVerdict } from './failures';

/** First probe of a service that was paused for its credentials. */
const FIRST_PROBE_MS = 30_000;

/** Acts on what a failure means for the whole service: closes it for a while, or pauses it and tells the operators once. */
export async function serviceTrouble(deps: ActivityDependencies, service: EngineService, verdict: FailureVerdict): Promise<void> {
  if (verdict.service === null) return;
  if (verdict.service.kind === 'block') {
    await blockService(deps.db, service.id, verdict.service.ms);
    return;
  }
  const paused = await pauseService(deps.db, service.id, { reason: 'credentials', detail: verdict.service.detail, probeMs: FIRST_PROBE_MS });
  if (!paused) return;
  deps.log.warn({ event: 'service.paused', service: service.name, reason: 'credentials' });
  await notifyOperators(deps.db, {
    level: 'danger',
    title: `${service.title ?? service.name} is paused`,
    text: `Muster cannot work with the service ${service.name}: ${verdict.service.detail}. Nothing is lost: it is tried again by itself, and goes on once the cause is gone.`,
    serviceName: service.name,
    dedupeKey: `paused/${service.name}`,
  });
}
