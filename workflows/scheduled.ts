import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';
import type { RetentionDays, TokenPurge } from '../domain/retention';
import { STORE_OPTIONS } from './patterns/activity-options';

/** Asks for a bulk validation of every service; the syncs run by themselves, one at a time per service. Answers how many. */
export async function validateAllUsers(): Promise<number> {
  return proxyActivities<Activities>(STORE_OPTIONS).requestValidation();
}

/** Deletes what is older than it is kept, in days; what the schedule's input does not name is the default. */
export async function retention(days: Partial<RetentionDays> = {}): Promise<Readonly<Record<string, number>>> {
  const { applyRetention } = proxyActivities<Activities>({ ...STORE_OPTIONS, startToCloseTimeout: '1 hour' });
  return applyRetention(days);
}

/** Deletes tokens that have expired and tells of those that will soon; that they are not valid needs nobody. Answers how many. */
export async function purgeTokens(): Promise<TokenPurge> {
  return proxyActivities<Activities>(STORE_OPTIONS).purgeTokens();
}
