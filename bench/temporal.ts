import { statSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import { bulkTaskQueue } from '../workflows/contracts';
import { temporalFile } from './muster';
import type { BenchMuster } from './muster';

/** Temporal's name for the queue of activities. */
const ACTIVITY_QUEUE = 2;
const NAMESPACE = 'default';

/** What Temporal itself says of a run. */
export interface TemporalView {
  /** Worker processes that ask for bulk work of a service. */
  pollers(service: string): Promise<number>;
  /** All workflow runs so far, by type. */
  runsByType(): Promise<Readonly<Record<string, number>>>;
  /** The longest histories so far. */
  histories(): Promise<Histories>;
  close(): Promise<void>;
}

export interface Histories {
  readonly runs: number;
  readonly longestEvents: number;
  readonly largestMib: number;
}

export async function viewTemporal(muster: Pick<BenchMuster, 'temporalAddress'>): Promise<TemporalView> {
  const connection = await Connection.connect({ address: muster.temporalAddress });
  const client = new Client({ connection, namespace: NAMESPACE });
  return {
    pollers: async (service) => {
      const { pollers } = await connection.workflowService.describeTaskQueue({
        namespace: NAMESPACE,
        taskQueue: { name: bulkTaskQueue(service) },
        taskQueueType: ACTIVITY_QUEUE,
      });
      return new Set((pollers ?? []).map((poller) => poller.identity)).size;
    },
    runsByType: async () => {
      const runs: Record<string, number> = {};
      for await (const { type } of client.workflow.list({ pageSize: 1_000 })) runs[type] = (runs[type] ?? 0) + 1;
      return runs;
    },
    histories: () => longestOf(client),
    close: () => connection.close(),
  };
}

async function longestOf(client: Client): Promise<Histories> {
  let runs = 0;
  let longestEvents = 0;
  let largestBytes = 0;
  for await (const execution of client.workflow.list({ pageSize: 1_000 })) {
    runs += 1;
    longestEvents = Math.max(longestEvents, execution.historyLength);
    largestBytes = Math.max(largestBytes, execution.historySize ?? 0);
  }
  return { runs, longestEvents, largestMib: largestBytes / 2 ** 20 };
}

/** Bytes of Temporal's database, its log included. */
export function temporalBytes(home: string): number {
  return ['', '-wal'].reduce((sum, ending) => {
    const file = statSync(`${temporalFile(home)}${ending}`, { throwIfNoEntry: false });
    return sum + (file?.size ?? 0);
  }, 0);
}
