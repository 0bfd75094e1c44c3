import { notifyUser, notifyOperators } from '../store/notify';
import type { Release } from '../store/settle';
import type { Round } from './round';

/** Tells people what a round did to them: the person whose account went by itself, the operators what waits for them. */
export async function tellAboutRound(round: Round, release: Release): Promise<void> {
  const { deps, service, situation } = round;
  const title = service.title ?? service.name;
  const removed = release.did.includes('delete') || release.did.includes('disable');
  if (removed && situation.notifyUser && situation.user !== null) {
    await notifyUser(deps.db, {
      userId: situation.userId,
      level: 'warning',
      title: `Your ${title} account was ${release.did.includes('delete') ? 'removed' : 'disabled'}`,
      text: `You are no longer entitled to the service ${title}. Ask your administrators if you think that this is wrong.`,
      serviceName: service.name,
    });
  }
  if (release.attention === 'staged') await tellStaged(round);
  if (release.attention === 'rejected') {
    await notifyOperators(deps.db, {
      level: 'warning',
      title: `${title}: an account cannot be as it should`,
      text: `The account of ${situation.username} on ${service.name}: ${release.error?.message ?? release.outcome}. See all with GET /v1/services/${service.name}/accounts?attention=rejected.`,
      serviceName: service.name,
      dedupeKey: `rejected/${service.name}`,
    });
  }
}

async function tellStaged(round: Round): Promise<void> {
  const { service } = round;
  await notifyOperators(round.deps.db, {
    level: 'danger',
    title: `${service.title ?? service.name}: removals wait for you`,
    text: `More would be taken away from ${service.name} within 24 hours than its guard allows. Nothing of it happens before you look: muster guard ${service.name}`,
    serviceName: service.name,
    dedupeKey: `staged/${service.name}`,
  });
}
