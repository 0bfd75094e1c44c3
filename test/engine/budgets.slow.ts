import { readBuckets } from '../../store/budgets';
import { updateService } from '../../store/services';
import type { ServiceRecord } from '../../store/services';
import { createUser } from '../../store/users';
import { connector } from '../fakes/throttled-connector';
import { startFake } from '../fakes/throttling-service/fake';
import type { Fake, FakeSettings } from '../fakes/throttling-service/fake';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { allQuiet, BY, eventually, grantMembers, insertMembers, settled } from './organisation';
import { registryOf } from './scripted-target';

let engine: TestEngine;
const fakes: Fake[] = [];

beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(connector) });
  // Two worker processes, as far as budgets are concerned: they share nothing but the database.
  await engine.startWorker();
});
afterAll(async () => {
  await Promise.all(fakes.map((fake) => fake.stop()));
  await engine.close();
});

interface Throttled {
  readonly fake: Fake;
  readonly service: ServiceRecord;
}

async function throttled(
  name: string,
  settings: Partial<FakeSettings>,
  set: Partial<ServiceRecord>,
): Promise<Throttled> {
  const fake = await startFake({ latencyMs: 5, ...settings });
  fakes.push(fake);
  const service = await engine.addService({ name, connector: 'throttled', config: { url: fake.url }, ...set });
  return { fake, service };
}

/** Lets everybody in on the service and waits until their accounts are there. */
async function provisionAll({ service }: Throttled): Promise<void> {
  await grantMembers(engine, service.id);
  await allQuiet(engine, service.id);
}

async function switchOff({ service }: Throttled): Promise<void> {
  await engine.db.query(`update services set enabled = false, paused_reason = 'operator' where id = $1`, [service.id]);
}

describe('a service that throttles', () => {
  test('is never asked for more than its limit by all workers together', async () => {
    await insertMembers(engine, { prefix: 'first', count: 90 });
    const limits = [{ limit: 40, windowMs: 1_000, kind: 'log' }] as const;
    const scene = await throttled('strict', { limits }, { budget: { limits } });

    await provisionAll(scene);

    const { accepted, rejected, mostInWindow, mostWritesOfOne } = await scene.fake.summary();
    expect(accepted).toBeGreaterThanOrEqual(90);
    // None on a machine that keeps up (npm run bench -- budget); without a budget every other call would be refused.
    expect(rejected).toBeLessThanOrEqual(2);
    expect(mostWritesOfOne).toBe(1);
    expect(mostInWindow).toBeLessThanOrEqual(40);
    await switchOff(scene);
  });

  test('tells its limit in its headers, which is kept from then on', async () => {
    const limits = [{ limit: 40, windowMs: 1_000, kind: 'window' }] as const;
    const scene = await throttled('teacher', { limits, dialect: 'structured' }, {});

    await provisionAll(scene);

    expect((await scene.fake.summary()).rejected).toBeLessThanOrEqual(40);
    expect(await readBuckets(engine.db, scene.service.id)).toMatchObject([
      { bucket: '', learned: { limit: 40, windowMs: 1_000 } },
    ]);
    await scene.fake.clear('journal');
    await engine.db.query(
      `update accounts set wanted_version = nextval('version_seq'), applied_profile = null where service_id = $1`,
      [scene.service.id],
    );
    await allQuiet(engine, scene.service.id);
    // By both workers, though one of them may have learned nothing itself.
    expect((await scene.fake.summary()).rejected).toBe(0);
    await switchOff(scene);
  });

  test('is left alone for as long as it asks, which is no failure', async () => {
    const limits = [{ limit: 30, windowMs: 1_000, kind: 'window' }] as const;
    const scene = await throttled('waiter', { limits, dialect: 'retry-after-fraction' }, {});

    await provisionAll(scene);

    const calls = await scene.fake.journal();
    const failures = await engine.db.query(`select from accounts where service_id = $1 and failures > 0`, [
      scene.service.id,
    ]);
    expect(calls.some((call) => call.status === 429)).toBe(true);
    // It tells no limit, so one is guessed: the refusals do not go on for ever.
    expect(calls.filter((call) => call.status === 429).length).toBeLessThan(90);
    expect(await readBuckets(engine.db, scene.service.id)).toMatchObject([{ learned: { guessed: true } }]);
    expect(failures.rowCount).toBe(0);
    expect((await scene.fake.summary()).mostWritesOfOne).toBe(1);
    await switchOff(scene);
  });

  test('is called by one after the other when it is serial', async () => {
    const scene = await throttled('serial', { atOnce: 1, latencyMs: 10 }, { maxConcurrency: 1 });

    await provisionAll(scene);

    expect(await scene.fake.summary()).toMatchObject({ rejected: 0, mostAtOnce: 1 });
    await switchOff(scene);
  });

  test('serves a person in the middle of a bulk run', async () => {
    const limits = [{ limit: 20, windowMs: 1_000 }] as const;
    const scene = await throttled('busy', { limits }, { budget: { limits } });
    await grantMembers(engine, scene.service.id);

    const began = performance.now();
    const written = await createUser(engine.db, { username: 'in-a-hurry', state: 'Member' }, BY);
    await settled(engine, written);
    const tookMs = performance.now() - began;

    const { accepted, rejected } = await scene.fake.summary();
    expect(accepted).toBeLessThan(90);
    expect(rejected).toBe(0);
    expect(tookMs).toBeLessThan(3_000);
    await switchOff(scene);
  });

  test('may keep a part of its limit for others', async () => {
    const limits = [{ limit: 100, windowMs: 1_000, kind: 'window' }] as const;
    const scene = await throttled('shared', { limits }, { budget: { limits, leaveFree: 0.5 } });

    await provisionAll(scene);

    expect((await scene.fake.summary()).mostInWindow).toBeLessThanOrEqual(60);
    await switchOff(scene);
  });
});

test('a wait for the budget that is long holds no worker and fails nothing', async () => {
  const limits = [{ limit: 1, windowMs: 6_000 }] as const;
  const scene = await throttled('slow', { limits }, { budget: { limits } });
  await grantMembers(engine, scene.service.id);

  await eventually('some accounts were made, one after the other', async () => (await scene.fake.accounts()).made >= 4);

  const trouble = await engine.db.query(
    `select from accounts where service_id = $1 and (failures > 0 or lease_holder is not null and lease_until < clock_timestamp())`,
    [scene.service.id],
  );
  expect(trouble.rowCount).toBe(0);
  expect((await scene.fake.summary()).rejected).toBe(0);
  await switchOff(scene);
});

test('a service without limits keeps no books of permits', async () => {
  const scene = await throttled('free', {}, {});

  await provisionAll(scene);

  expect(await readBuckets(engine.db, scene.service.id)).toEqual([]);
  await switchOff(scene);
});

test('a limit that is set later holds without a restart', async () => {
  const limits = [{ limit: 30, windowMs: 1_000, kind: 'log' }] as const;
  const scene = await throttled('later', {}, {});
  await provisionAll(scene);
  await updateService(engine.db, { name: 'later', alter: (before) => ({ ...before, budget: { limits } }) }, BY);
  await scene.fake.set({ limits });
  await scene.fake.clear('journal');

  await engine.db.query(
    `update accounts set wanted_version = nextval('version_seq'), applied_profile = null where service_id = $1`,
    [scene.service.id],
  );
  await allQuiet(engine, scene.service.id);

  const { accepted, rejected } = await scene.fake.summary();
  expect(accepted).toBeGreaterThan(80);
  expect(rejected).toBe(0);
});
