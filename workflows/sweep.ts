import { continueAsNew, proxyActivities, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Activities, SweepReport } from '../activities';
import { poke } from './account';
import { SWEEP_OPTIONS } from './patterns/activity-options';

/**
 * Finds what a lost message left behind: unexpanded changes, due accounts and groups, queued syncs, passwords past their
 * time, undelivered notifications. It reads the database only; a schedule starts it every 10 s, never beside itself.
 *
 * sweeping -> nobody asked meanwhile: ends
 *          -> poked while it swept: sweeps once more, however many asked; what they ask for may be behind it already
 */
export async function sweep(): Promise<SweepReport> {
  const activities = proxyActivities<Activities>(SWEEP_OPTIONS);
  let pokes = 0;
  // The first poke came with the start itself; the schedule's start has none.
  let seen = 1;
  setHandler(poke, () => {
    pokes += 1;
  });
  for (;;) {
    seen = Math.max(seen, pokes);
    const report = await activities.sweep();
    setCurrentDetails(
      `changes expanded: ${report.changes}, accounts sent: ${report.accounts}, groups sent: ${report.groups}, bulk runs: ${report.syncs}`,
    );
    await activities.deliverNotifications();
    if (pokes > seen && workflowInfo().continueAsNewSuggested) await continueAsNew<typeof sweep>();
    if (pokes > seen) continue;
    return report;
  }
}
