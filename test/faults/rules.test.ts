import { Client, Connection } from '@temporalio/client';
import { expandNow } from '../../hooks/flow';
import { requestSync } from '../../store/syncs';
import { createUser, deleteUser } from '../../store/users';
import { ACCOUNT_STATE_QUERY, accountWorkflowId } from '../../workflows/contracts';
import { startFarEngine, until } from './far-engine';
import type { TestEngine } from '../engine/engine';
import type { FarEngine } from './far-engine';
import { BY } from './harness';

/** Breaks rule 5: whoever records an intent forgets it at once. */
const NO_INTENT = `
  create function forget_intent() returns trigger language plpgsql as $$
    begin new.intent := null; new.intent_deadline := null; return new; end $$;
  create trigger forget_intent before update on accounts for each row execute function forget_intent()`;

/** Breaks rule 4: every lease has run out when it is taken. */
const NO_LEASE = `
  create function forget_lease() returns trigger language plpgsql as $$
    begin
      if new.lease_until is not null then new.lease_until := clock_timestamp() - interval '1 second'; end if;
      return new;
    end $$;
  create trigger forget_lease before update on accounts for each row execute function forget_lease()`;

/** Takes the second guard away as well: the books let two people have one remote account. */
const NO_UNIQUE_REMOTE = `drop index accounts_remote`;

/** Breaks rule 6: a name is free as soon as the person is gone, whatever the far side still has. */
const NO_RESERVATION = `
  create function forget_names() returns trigger language plpgsql as $$
    begin delete from account_names where user_id = old.id; return old; end $$;
  create trigger forget_names after delete on users for each row execute function forget_names()`;

/** An unsettled call is looked at after this time: short, so that the test need not wait. */
const SHORT_MS = 1_500;

let muster: FarEngine;
afterEach(() => muster.close());

describe('a lost answer', () => {
  test('to a creation leaves exactly one account', async () => {
    muster = await startFarEngine({ callTimeoutMs: SHORT_MS });
    muster.far.loseNextAnswer('createAccount');

    const ada = await muster.addMember('ada');

    expect(muster.far.of(ada)).toHaveLength(1);
    expect(muster.far.callsOf('createAccount')).toHaveLength(1);
  });

  test('would leave two accounts if the intent were ignored', async () => {
    muster = await startFarEngine({ callTimeoutMs: SHORT_MS, sabotage: NO_INTENT });
    muster.far.loseNextAnswer('createAccount');

    const ada = await muster.addMember('ada');

    expect(muster.far.of(ada)).toHaveLength(2);
  });
});

describe('a burst of changes', () => {
  test('of three memberships becomes one update', async () => {
    muster = await startFarEngine();
    const ada = await muster.addMember('ada');
    const before = muster.far.callsOf('setGroups').length;

    await muster.send(...(await muster.joinNewGroups(ada, ['climbers', 'divers', 'pilots'])));
    await muster.rest();

    const updates = muster.far.callsOf('setGroups').slice(before);
    expect(updates.map((call) => call.groups)).toEqual([['climbers', 'divers', 'pilots']]);
  });

  test('during an update causes exactly one more and none is lost', async () => {
    muster = await startFarEngine();
    const ada = await muster.addMember('ada');
    const before = muster.far.callsOf('setGroups').length;
    const held = muster.far.hold('setGroups');
    await muster.send(...(await muster.joinNewGroups(ada, ['climbers'])));
    await held.entered;

    await muster.send(...(await muster.joinNewGroups(ada, ['divers', 'pilots'])));
    held.release();
    await muster.rest();

    const updates = muster.far.callsOf('setGroups').slice(before);
    expect(updates.map((call) => call.groups)).toEqual([['climbers'], ['climbers', 'divers', 'pilots']]);
    expect(muster.far.of(ada)[0]?.groups).toEqual(['climbers', 'divers', 'pilots']);
  });
});

describe('one writer per account', () => {
  test('holds under two workers, a person and a bulk run at once', async () => {
    muster = await startFarEngine();
    await hurryInto(muster);

    expect(muster.far.overlaps).toEqual([]);
  });

  test('would not hold if leases ran out at once', async () => {
    muster = await startFarEngine({ sabotage: NO_LEASE });
    await hurryInto(muster);

    expect(muster.far.overlaps).not.toEqual([]);
  });
});

/** A bulk run stands in a write of an account while the person's own workflow wants to write it too. */
async function hurryInto({ engine, far, service, ...rest }: FarEngine): Promise<void> {
  const ada = await rest.addMember('ada');
  await engine.startWorker();
  const held = far.hold('setGroups');
  const joined = await rest.joinNewGroups(ada, ['climbers']);
  for (const { change } of joined) if (change !== undefined) await expandNow(engine.flowDeps, change.changeId);
  await requestSync(engine.db, { serviceId: service.id, kind: 'groups', scope: {}, actor: BY.actor });
  await engine.flow.syncRequested(service.name);
  await held.entered;
  const callsOnAda = (): number => far.calls.filter((call) => call.userId === ada).length;
  const asked = callsOnAda();

  await rest.send(...(await rest.joinNewGroups(ada, ['divers'])));
  await engine.flow.accountDue(service.id, ada);
  await withTemporal(engine, async (temporal) => {
    const workflow = temporal.workflow.getHandle(accountWorkflowId(service.name, ada));
    const isKeptOut = async (): Promise<boolean> =>
      (await workflow.query<string>(ACCOUNT_STATE_QUERY)).includes('another worker is at it');
    await until("the person's workflow met the writer", async () => callsOnAda() > asked || (await isKeptOut()));
  });
  held.release();
  await rest.rest();
}

async function withTemporal(engine: TestEngine, work: (client: Client) => Promise<void>): Promise<void> {
  const connection = await Connection.connect({ address: engine.temporalAddress });
  try {
    await work(new Client({ connection, namespace: engine.namespace }));
  } finally {
    await connection.close();
  }
}

describe('someone new with an old name', () => {
  test('never gets the old account while the far side still has it', async () => {
    muster = await startFarEngine({ adoptsByName: true, service: HOLD_REMOVALS });

    const { old, young } = await succeed(muster);

    expect(muster.far.of(old)).toEqual([expect.objectContaining({ name: 'ada' })]);
    expect(muster.far.of(young)).toEqual([expect.objectContaining({ userId: young })]);
    expect(muster.far.of(young)[0]?.name).not.toBe('ada');
    expect(await remoteIdOf(muster, young)).toBe(muster.far.of(young)[0]?.remoteId);
  });

  test('is not given what the books say is of another person', async () => {
    muster = await startFarEngine({ adoptsByName: true, service: HOLD_REMOVALS, sabotage: NO_RESERVATION });

    const { young } = await succeed(muster);

    expect(muster.far.callsOf('createAccount').filter((call) => call.name === 'ada')).toHaveLength(2);
    expect(await remoteIdOf(muster, young)).toBe(muster.far.of(young)[0]?.remoteId);
  });

  test('would get it if neither names nor remote accounts were kept apart', async () => {
    const sabotage = `${NO_RESERVATION}; ${NO_UNIQUE_REMOTE}`;
    muster = await startFarEngine({ adoptsByName: true, service: HOLD_REMOVALS, sabotage });

    const { old, young } = await succeed(muster);

    expect(muster.far.of(young)).toEqual([]);
    expect(await remoteIdOf(muster, young)).toBe(muster.far.of(old)[0]?.remoteId);
  });

  test('gets the name once the removal is confirmed', async () => {
    muster = await startFarEngine({ adoptsByName: true });

    const { old, young } = await succeed(muster);

    expect(muster.far.of(old)).toEqual([]);
    expect(muster.far.of(young)).toEqual([expect.objectContaining({ name: 'ada' })]);
  });
});

/** The guard lets nobody go: the account of who has left stays at the far side. */
const HOLD_REMOVALS = { guard: { removal: { minimum: 0, percent: 0 } } };

/** Ada leaves for good, and another Ada comes. */
async function succeed(far: FarEngine): Promise<{ readonly old: string; readonly young: string }> {
  const { engine } = far;
  const old = await far.addMember('ada');
  await far.send(await deleteUser(engine.db, old, BY));
  await until('the removal is done or waits for the guard', async () => {
    const found = await engine.db.query(
      `select from accounts where user_id = $1 and (status = 'removed' or attention = 'staged')`,
      [old],
    );
    return found.rowCount === 1;
  });
  const young = await createUser(engine.db, { username: 'ada', state: 'Member' }, BY);
  await far.send(young);
  await until('the new account is there', async () => {
    const found = await engine.db.query(
      `select from accounts where user_id = $1 and status = 'active' and wanted_version = applied_version`,
      [young.record.id],
    );
    return found.rowCount === 1;
  });
  return { old, young: young.record.id };
}

async function remoteIdOf({ engine }: FarEngine, userId: string): Promise<string | undefined> {
  const found = await engine.db.query<{ id: string }>(`select remote_id as id from accounts where user_id = $1`, [
    userId,
  ]);
  return found.rows[0]?.id;
}
