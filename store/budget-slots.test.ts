import { randomUUID } from 'node:crypto';
import { openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { freeSlots, renewSlots, takeSlots, wantSlots } from './budget-slots';

let store: TestStore;

beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

async function newService(): Promise<string> {
  const id = randomUUID();
  await store.db.query(`insert into services (id, name, connector) values ($1, $2, 'fake')`, [id, `s${id}`]);
  return id;
}

const [FIRST, SECOND] = [randomUUID(), randomUUID()];

describe('slots for calls at the same time', () => {
  test('all processes together never hold more than the cap', async () => {
    const serviceId = await newService();
    const ask = { serviceId, cap: 3, holdMs: 60_000, count: 2 };

    const taken = await Promise.all(
      Array.from({ length: 12 }, (_none, place) =>
        takeSlots(place % 2 === 0 ? store.db : store.other, { ...ask, holder: randomUUID() }),
      ),
    );

    expect(taken.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(3);
    expect(await takeSlots(store.db, { ...ask, holder: FIRST, count: 3 })).toBe(3 - taken.reduce((a, b) => a + b, 0));
  });

  test('the slot of a process that died is free when it has expired', async () => {
    const serviceId = await newService();
    const slot = { serviceId, cap: 1, holdMs: 60_000, count: 1 };
    await takeSlots(store.db, { ...slot, holder: FIRST });

    expect(await takeSlots(store.db, { ...slot, holder: SECOND })).toBe(0);
    await store.db.query(`update budget_slots set held_until = clock_timestamp() where service_id = $1`, [serviceId]);

    expect(await takeSlots(store.db, { ...slot, holder: SECOND })).toBe(1);
    expect(await renewSlots(store.db, { ...slot, holder: FIRST })).toBe(0);
    expect(await renewSlots(store.db, { ...slot, holder: SECOND })).toBe(1);
  });

  test('who has had its turn gives way only to somebody who asks', async () => {
    const serviceId = await newService();
    const slot = { serviceId, cap: 1, holdMs: 60_000, count: 1 };
    await takeSlots(store.db, { ...slot, holder: FIRST });

    expect(await freeSlots(store.db, { serviceId, holder: FIRST, count: 1, ifWanted: true })).toBe(0);
    await wantSlots(store.db, { serviceId, holder: FIRST });
    expect(await freeSlots(store.db, { serviceId, holder: FIRST, count: 1, ifWanted: true })).toBe(0);
    await store.db.query(`update budget_slots set wanted_at = '-infinity' where service_id = $1`, [serviceId]);
    await wantSlots(store.db, { serviceId, holder: SECOND });
    expect(await freeSlots(store.db, { serviceId, holder: FIRST, count: 1, ifWanted: true })).toBe(1);
  });
});
