import { addAccount, addService, addUser, openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { oneRow } from './database';
import { dueAccounts } from './due';
import { takeLeases } from './leases';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const DUE = { wanted_version: 2, applied_version: 1, due_reasons: ['updateGroups'] };

describe('rule 2: the row owns its next try', () => {
  test('a refused account is not sent again and again', async () => {
    const serviceId = await addService(store.db);
    const userId = await addUser(store.db);
    await addAccount(store.db, { serviceId, userId }, { ...DUE, next_try: 'infinity', attention: 'rejected' });

    const due = await dueAccounts(store.db, { limit: 100 });

    expect(due.filter((row) => row.serviceId === serviceId)).toEqual([]);
    // The negative control: who looks at the versions alone sends it at every sweep.
    const byVersion = await store.db.query(
      `select user_id from accounts where service_id = $1 and wanted_version <> applied_version`,
      [serviceId],
    );
    expect(byVersion.rows).toEqual([{ user_id: userId }]);
  });
});

describe('rule 9: clocks', () => {
  test('a lease taken late in a long transaction still lasts its whole time', async () => {
    const serviceId = await addService(store.db);
    const userId = await addUser(store.db);
    await addAccount(store.db, { serviceId, userId }, {});

    await store.db.transaction(async (client) => {
      // The transaction has begun long before: pg_sleep stands for the statements in between.
      await client.query(`select pg_sleep(0.3)`);
      await takeLeases(client, { serviceId, userIds: [userId], holder: 'late', leaseMs: 200 });
      const taken = await client.query<{ lasts: boolean; control: boolean }>(
        `select lease_until > clock_timestamp() as lasts,
           -- The negative control: the time of the transaction's begin has run out already.
           now() + interval '200 milliseconds' > clock_timestamp() as control
         from accounts where service_id = $1 and user_id = $2`,
        [serviceId, userId],
      );

      expect(oneRow(taken)).toEqual({ lasts: true, control: false });
    });
  });
});
