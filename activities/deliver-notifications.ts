import { createHmac } from 'node:crypto';
import { backoffMs } from '../domain/backoff';
import { expireDeliveries, recordDelivery, takeDeliveries } from '../store/notifications';
import type { DeliveryOutcome, DueDelivery } from '../store/notifications';
import type { ActivityDependencies } from './dependencies';

export interface Webhook {
  readonly url: string | undefined;
  readonly secret: string | undefined;
}

type DeliveryDependencies = Pick<ActivityDependencies, 'db' | 'log' | 'random'>;

const PER_SWEEP = 50;
const TIMEOUT_MS = 5_000;
/** What is older is not sent any more: a webhook that comes later must not hear of last month. */
const MAX_AGE_HOURS = 48;

/**
 * Sends due notifications to the webhook, signed: `Muster-Signature: t=<unix seconds>,v1=<hex hmac-sha256 of "t.body">`.
 * Without a webhook there is nobody to send them to; they stand in the API only. Answers how many were tried.
 */
export async function deliverNotifications(deps: DeliveryDependencies, webhook: Webhook): Promise<number> {
  const { url, secret } = webhook;
  await expireDeliveries(deps.db, MAX_AGE_HOURS);
  if (url === undefined || secret === undefined) return 0;
  const due = await takeDeliveries(deps.db, PER_SWEEP);
  // All at once: a webhook that hangs must hold the sweep up for one timeout, not for fifty.
  await Promise.all(due.map((notification) => deliverOne(deps, { url, secret }, notification)));
  return due.length;
}

async function deliverOne(
  deps: DeliveryDependencies,
  webhook: { readonly url: string; readonly secret: string },
  notification: DueDelivery,
): Promise<void> {
  const outcome = await deliver(webhook, notification, deps.random());
  if (outcome.outcome !== 'delivered')
    deps.log.warn({ event: 'webhook.failed', notification: notification.id, attempts: notification.attempts });
  await recordDelivery(deps.db, notification.id, outcome);
}

async function deliver(
  webhook: { readonly url: string; readonly secret: string },
  notification: DueDelivery,
  random: number,
): Promise<DeliveryOutcome> {
  const body = JSON.stringify(bodyOf(notification));
  const time = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', webhook.secret).update(`${time}.${body}`).digest('hex');
  try {
    const response = await fetch(webhook.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'muster-signature': `t=${time},v1=${signature}` },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok
      ? { outcome: 'delivered' }
      : again(notification, random, `the webhook answered ${response.status}`);
  } catch (error) {
    return again(
      notification,
      random,
      `the webhook could not be reached: ${error instanceof Error ? error.name : 'unknown'}`,
    );
  }
}

function again(notification: DueDelivery, random: number, error: string): DeliveryOutcome {
  return { outcome: 'again', inMs: backoffMs(notification.attempts, random), error };
}

function bodyOf(notification: DueDelivery): Readonly<Record<string, unknown>> {
  const { id, userId, level, title, text, serviceName, createdAt } = notification;
  return {
    id,
    recipient: userId === null ? 'operators' : `user:${userId}`,
    level,
    title,
    text,
    service: serviceName,
    createdAt,
  };
}
