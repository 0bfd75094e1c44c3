import { approveStaged, listStaged, rejectStaged } from '../../store/guard-decisions';
import { startFarEngine, until } from './far-engine';
import type { FarEngine, FarEngineOptions } from './far-engine';
import { BY, importPeople } from './harness';

const EVERYBODY = Array.from({ length: 40 }, (_, index) => `p${index}`);
/** 30 % are missing: more than the 10 that are always allowed. */
const STAYING = EVERYBODY.slice(12);
const LEAVING = EVERYBODY.slice(0, 12);

let muster: FarEngine;
afterEach(() => muster.close());

describe('a roster from which 30 % of the people are missing', () => {
  test('takes nothing away, stages exactly these and tells the operators', async () => {
    await start();

    await importRoster(STAYING);

    expect(await staged()).toEqual(LEAVING);
    expect(namesThere()).toEqual(EVERYBODY.toSorted());
    expect(await notices()).toEqual([expect.stringContaining('12 removals wait')]);
  });

  test('removes exactly these once it is approved', async () => {
    await start();
    await importRoster(STAYING);

    const decided = await approveStaged(muster.engine.db, {
      serviceId: muster.service.id,
      ids: 'all',
      actor: BY.actor,
    });
    await send(decided.changeId);
    await muster.rest();

    expect(namesThere()).toEqual(STAYING.toSorted());
  });

  test('keeps them when it is rejected, and a repeated import stages nothing again', async () => {
    await start();
    await importRoster(STAYING);

    const decided = await rejectStaged(muster.engine.db, { serviceId: muster.service.id, ids: 'all', actor: BY.actor });
    await send(decided.changeId);
    await settled();
    await importRoster([...STAYING, 'newcomer']);
    await until('the newcomer is there', () => namesThere().includes('newcomer'));
    await settled();

    expect(await staged()).toEqual([]);
    expect(namesThere()).toEqual([...EVERYBODY, 'newcomer'].toSorted());
  });

  test('would lose them at once if the guard had no limit', async () => {
    await start({ service: { guard: { removal: { minimum: 1000 }, disable: { minimum: 1000 } } } });

    await importRoster(STAYING);
    await muster.rest();

    expect(namesThere()).toEqual(STAYING.toSorted());
  });
});

async function start(options: FarEngineOptions = {}): Promise<void> {
  muster = await startFarEngine(options);
  await muster.send({ change: await importPeople(muster.engine, everybody(EVERYBODY), 'replace') });
  await muster.rest();
}

async function importRoster(usernames: readonly string[]): Promise<void> {
  await muster.send({ change: await importPeople(muster.engine, everybody(usernames), 'replace') });
  await settled();
}

function everybody(usernames: readonly string[]): readonly { readonly username: string }[] {
  return usernames.map((username) => ({ username }));
}

async function send(changeId: number | null): Promise<void> {
  if (changeId !== null) await muster.engine.flow.changed(changeId);
}

/** Nothing is on its way: what is not applied waits for a person. */
async function settled(): Promise<void> {
  await until('nothing is on its way', async () => {
    const found = await muster.engine.db.query(
      `select from accounts where wanted_version <> applied_version and attention is distinct from 'staged'
       union all select from changes where expanded_at is null
       union all select from syncs where finished_at is null`,
    );
    return found.rowCount === 0;
  });
}

async function staged(): Promise<readonly string[]> {
  const rows = await listStaged(muster.engine.db, { serviceId: muster.service.id, limit: 100 });
  return rows.map((row) => row.username).toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
}

function namesThere(): readonly string[] {
  return muster.far.accounts.map((account) => account.name).toSorted();
}

async function notices(): Promise<readonly string[]> {
  const found = await muster.engine.db.query<{ title: string }>(
    `select title from notifications where user_id is null`,
  );
  return found.rows.map((row) => row.title);
}
