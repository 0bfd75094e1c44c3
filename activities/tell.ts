import type { Queryable } from '../store/database';
import { notifyUser, notifyOperators } from '../store/notify';
import type { Release } from '../store/settle';
import type { Round } from './round';

/** Tells the person whose account went by itself. Part of the transaction that records it, so that it is told once and not lost. */
export async function tellTaken(client: Queryable, round: Round, what: 'removed' | 'disabled'): Promise<void> {
  const { service, situation } = round;
  if (!situation.notifyUser || situation.user === null) return;
  const title = service.title ?? service.name;
  await notifyUser(client, {
    userId: situation.userId,
    level: 'warning',
    title: `Your ${title} account was ${what}`,
    text: `You are no longer entitled to the service ${title}. Ask your administrators if you think that this is wrong.`,
    serviceName: service.name,
  });
}

/** Tells the person whose account was taken away at the far side, by somebody else. */
export async function tellGone(client: Queryable, round: Round): Promise<void> {
  const title = round.service.title ?? round.service.name;
  await notifyUser(client, {
    userId: round.situation.userId,
    level: 'warning',
    title: `Your ${title} account is not there any more`,
    text: `${title} does not have your account any more, and Muster has not made a new one. Activate the service again if you need it.`,
    serviceName: round.service.name,
  });
}

/** Whether operators must hear of this outcome. */
export function concernsOperators(release: Release): boolean {
  return release.attention === 'rejected';
}

/** Tells the operators what waits for them; in the transaction of the release. Of what the guard stages they hear where it is staged. */
export async function tellOperators(client: Queryable, round: Round, release: Release): Promise<void> {
  if (release.attention === 'rejected') await tellRejected(client, round, release);
}

async function tellRejected(client: Queryable, round: Round, release: Release): Promise<void> {
  const { service, situation } = round;
  await notifyOperators(client, {
    level: 'warning',
    title: `${service.title ?? service.name}: an account cannot be as it should`,
    text: `The account of ${situation.username} on ${service.name}: ${release.error?.message ?? release.outcome}. See all with GET /v1/services/${service.name}/accounts?attention=rejected.`,
    serviceName: service.name,
    dedupeKey: `rejected/${service.name}`,
  });
}

/** Tells the person that what they began was not finished in time. */
export async function tellLapsed(client: Queryable, round: Round): Promise<void> {
  const title = round.service.title ?? round.service.name;
  await notifyUser(client, {
    userId: round.situation.userId,
    level: 'info',
    title: `Your activation of ${title} has expired`,
    text: `What was needed for your ${title} account was not done in time. Activate the service again when you want it.`,
    serviceName: round.service.name,
  });
}
