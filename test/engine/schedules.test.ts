import { Client, Connection } from '@temporalio/client';
import { listOperations } from '../../store/operations';
import type { ServiceRecord } from '../../store/services';
import { listReconciliations } from '../../store/reconciliations';
import { listSyncs } from '../../store/syncs';
import { ensureSchedules } from '../../workers/schedules';
import { SCHEDULES } from '../../workflows/contracts';
import { NativeConnection } from '@temporalio/worker';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { addMember, eventually, grantMembers } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

/** UUIDs of version 7: one of the year 2022, and the time of the others is in their first digits. */
const OLD_ID = '01800000-0000-7000-8000-000000000001';

let engine: TestEngine;
let service: ServiceRecord;
let connection: Connection;
let client: Client;

beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(new ScriptedTarget())) });
  service = await engine.addService({ name: 'scheduled', connector: 'scripted' });
  await grantMembers(engine, service.id);
  connection = await Connection.connect({ address: engine.temporalAddress });
  client = new Client({ connection, namespace: engine.namespace });
});
afterAll(async () => {
  await connection.close();
  await engine.close();
});

describe("Muster's schedules", () => {
  test('are all there, never overlap themselves, and catch up one minute at most', async () => {
    for (const id of Object.values(SCHEDULES)) {
      const { policies, state } = await client.schedule.getHandle(id).describe();
      expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 60_000 });
      expect(state.paused).toBe(false);
    }
  });

  test('work at another time of the night in another installation', async () => {
    const first = await offsetOf(SCHEDULES.validate);
    await client.schedule.getHandle(SCHEDULES.validate).delete();
    await ensureAgain('another installation');

    expect(await offsetOf(SCHEDULES.validate)).not.toBe(first);
  });

  test('stay as an operator has edited them', async () => {
    await client.schedule.getHandle(SCHEDULES.retention).pause('not in May');
    await ensureAgain('whoever');

    const { state } = await client.schedule.getHandle(SCHEDULES.retention).describe();
    expect(state).toMatchObject({ paused: true, note: 'not in May' });
    await client.schedule.getHandle(SCHEDULES.retention).unpause();
  });

  test('have every account of every service looked at', async () => {
    await addMember(engine, 'ada');
    await client.schedule.getHandle(SCHEDULES.validate).trigger();

    const done = await eventually('the validation has ended', async () => {
      const syncs = await listSyncs(engine.db, { serviceId: service.id, limit: 10 });
      return syncs.find((sync) => sync.kind === 'validate' && sync.finishedAt !== null);
    });
    expect(done).toMatchObject({ status: 'succeeded', actor: 'system:schedule', total: 1, failed: 0 });
  });

  test('have every service that can list compared, as it is set to', async () => {
    await client.schedule.getHandle(SCHEDULES.reconcile).trigger();

    const run = await eventually('the comparison has ended', async () => {
      const runs = await listReconciliations(engine.db, { serviceId: service.id, limit: 10 });
      return runs.find((one) => one.finishedAt !== null);
    });
    expect(run).toMatchObject({ status: 'succeeded', actor: 'system:schedule', mode: 'report' });
  });

  test('delete what is older than it is kept, and nothing else', async () => {
    await engine.db.query(
      `insert into operations (id, kind, actor, status, finished_at, created_at) values ($1, 'old', 'client:test', 'succeeded', '2022-04-01', '2022-04-01')`,
      [OLD_ID],
    );
    await engine.db.query(
      `insert into notifications (id, level, title, text, created_at) values ($1, 'info', 'old', 'old', '2022-04-01')`,
      [OLD_ID],
    );
    await engine.db.query(`update events set at = '2022-04-01' where id = (select min(id) from events)`);
    const before = await counts();
    await client.schedule.getHandle(SCHEDULES.retention).trigger();

    await eventually('the old ones are gone', async () => {
      const after = await counts();
      return after.operations === before.operations - 1 && after.notifications === before.notifications - 1;
    });
    expect((await counts()).events).toBe(before.events - 1);
    expect((await listOperations(engine.db, { limit: 50 })).some(({ kind }) => kind === 'old')).toBe(false);
  });
});

async function counts(): Promise<{ operations: number; notifications: number; events: number }> {
  const found = await engine.db.query<{ operations: number; notifications: number; events: number }>(
    `select (select count(*) from operations)::integer as operations, (select count(*) from notifications)::integer as notifications,
       (select count(*) from events)::integer as events`,
  );
  const [row] = found.rows;
  if (row === undefined) throw new Error('a query without a row');
  return row;
}

async function offsetOf(scheduleId: string): Promise<number | undefined> {
  const { spec } = await client.schedule.getHandle(scheduleId).describe();
  return spec.intervals?.[0]?.offset;
}

async function ensureAgain(installId: string): Promise<void> {
  const native = await NativeConnection.connect({ address: engine.temporalAddress });
  try {
    await ensureSchedules(native, engine.namespace, installId);
  } finally {
    await native.close();
  }
}
