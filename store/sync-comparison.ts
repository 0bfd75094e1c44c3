import type { Database, Queryable } from './database';
import { endSync } from './syncs';

/** The comparison with which a full sync begins. */
export async function bindComparison(db: Queryable, syncId: string, reconciliationId: string): Promise<void> {
  await db.query(`update syncs set reconciliation_id = $2 where id = $1`, [syncId, reconciliationId]);
}

/** Ends a sync that could not do what it was for, and says why. */
export async function failSync(db: Database, syncId: string, error: string): Promise<void> {
  await db.transaction(async (client) => {
    await client.query(`update syncs set error = $2 where id = $1 and finished_at is null`, [syncId, error]);
    await endSync(client, syncId, { status: 'failed', reason: error });
  });
}

/** A comparison has ended: the sync that waits for it is told. */
export async function wakeWaitingSync(db: Queryable, reconciliationId: string): Promise<void> {
  await db.query(
    `update syncs set signal_due = 'resume' where reconciliation_id = $1 and status = 'staging' and signal_due is null`,
    [reconciliationId],
  );
}
