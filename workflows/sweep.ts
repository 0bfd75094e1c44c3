import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Activities, SweepReport } from '../activities';
import { SWEEP_OPTIONS } from './patterns/activity-options';

/**
 * Finds what a lost message left behind: unexpanded changes, due accounts and groups, queued syncs, passwords past their
 * time, undelivered notifications. It reads the database only; a schedule starts it every 10 s, never beside itself.
 */
export async function sweep(): Promise<SweepReport> {
  const activities = proxyActivities<Activities>(SWEEP_OPTIONS);
  const report = await activities.sweep();
  setCurrentDetails(
    `changes expanded: ${report.changes}, accounts sent: ${report.accounts}, groups sent: ${report.groups}, bulk runs: ${report.syncs}`,
  );
  await activities.deliverNotifications();
  return report;
}
