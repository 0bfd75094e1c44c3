import { ServiceHook } from '../../sdk/index';
import type { HookContext } from '../../sdk/index';
import { explainAccount } from '../../store/explain';
import { latestPlan } from '../../store/first-run';
import { addGrant } from '../../store/grants';
import { addMembers, createGroup } from '../../store/groups';
import { listNotifications } from '../../store/notifications';
import { readService, updateService } from '../../store/services';
import type { ServiceRecord } from '../../store/services';
import { approvePlan } from '../../store/sync-steering';
import { readSync, requestSync } from '../../store/syncs';
import { createUser } from '../../store/users';
import { waitFor } from '../../runtime/wait-for';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { accountWhere, allQuiet, BY, eventually, insertMembers } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

const PEOPLE = 25;

const target = new ScriptedTarget();
let engine: TestEngine;
let service: ServiceRecord;
let people: readonly string[];

beforeAll(async () => {
  const hook = (context: HookContext): ServiceHook => new ServiceHook(context);
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target, { hook })) });
  people = await insertMembers(engine, { prefix: 'person', count: PEOPLE });
});
afterAll(() => engine.close());

/** A new service to which everybody has a right; nothing is told but by the sweep. */
async function newService(name: string): Promise<void> {
  await engine.db.query(`update services set enabled = false`);
  target.reset();
  service = await engine.addService({ name, connector: 'scripted', firstRun: 'plan' });
  const crowd = (await createGroup(engine.db, `${name} crowd`, BY)).record.id;
  await addMembers(engine.db, { groupId: crowd, userIds: people, by: BY });
  const subject = { kind: 'group', id: crowd } as const;
  const { change } = await addGrant(engine.db, { serviceId: service.id, subject }, BY);
  await engine.flow.changed(change?.changeId ?? 0);
}

async function plan(): Promise<{ readonly id: string; readonly accounts: number }> {
  return eventually('the first plan is ready', async () => {
    await engine.flowDeps.starter.sweepNow();
    return waitFor(1_000, async () => {
      const found = await latestPlan(engine.db, service.id);
      return found?.stale === false && found.accounts >= PEOPLE ? found : undefined;
    });
  });
}

async function notices(): Promise<readonly string[]> {
  const found = await listNotifications(engine.db, { userId: null, limit: 200 });
  return found.filter(({ serviceName }) => serviceName === service.name).map(({ title }) => title);
}

function writes(): readonly string[] {
  return target.calls
    .map(({ method }) => method)
    .filter((method) => !['testConnection', 'findAccount'].includes(method));
}

async function approve(planId: string): Promise<string> {
  const { syncId } = await approvePlan(engine.db, { syncId: planId, actor: 'client:boss', reason: 'looks right' });
  await engine.flow.syncRequested(service.name, syncId);
  return syncId;
}

async function ended(syncId: string): Promise<void> {
  await eventually('the sync has ended', async () => (await readSync(engine.db, syncId))?.finishedAt ?? undefined);
}

async function countOf(status: string): Promise<number> {
  const found = await engine.db.query(`select from accounts where service_id = $1 and status = $2`, [
    service.id,
    status,
  ]);
  return found.rowCount ?? 0;
}

describe('the first run of a new service', () => {
  test('is a plan of which the operators hear once, and writes nothing', async () => {
    await newService('fresh');

    const { accounts } = await plan();
    await engine.flow.accountDue(service.id, people[0] ?? '');
    await requestSync(engine.db, { serviceId: service.id, kind: 'full', scope: {}, actor: 'client:test' });
    await engine.flow.syncRequested(service.name);
    await eventually('the operators hear of it', async () => {
      await engine.flowDeps.starter.sweepNow();
      return (await notices()).length > 0;
    });

    expect(accounts).toBe(PEOPLE);
    expect(await notices()).toEqual(['fresh: its first run waits for you']);
    expect(writes()).toEqual([]);
    expect(await countOf('none')).toBe(PEOPLE);
  });

  test('says of itself and of each account why it waits', async () => {
    const { nextTry } = await explainAccount(engine.db, { serviceId: service.id, userId: people[0] ?? '' });

    expect(nextTry.why).toContain('first run');
    expect(await readService(engine.db, service.name)).toMatchObject({
      pausedReason: 'first run',
      pausedDetail: 'nothing is written before a person has approved its plan',
    });
  });

  test('writes the accounts of an approved plan of some, and no others', async () => {
    const scope = { userIds: people.slice(0, 2) };
    const { syncId } = await requestSync(engine.db, {
      serviceId: service.id,
      kind: 'due',
      scope,
      dryRun: true,
      actor: 'client:test',
    });
    await engine.flow.syncRequested(service.name, syncId);
    await ended(syncId);

    await ended(await approve(syncId));

    expect(await countOf('active')).toBe(2);
    expect((await readService(engine.db, service.name)).pausedReason).toBe('first run');
  });

  test('goes on for everybody once the whole plan is approved, and keeps who said so', async () => {
    const { id } = (await latestPlan(engine.db, service.id)) ?? { id: '' };

    await ended(await approve(id));
    await engine.flowDeps.starter.sweepNow();
    await allQuiet(engine, service.id);

    expect(await countOf('active')).toBe(PEOPLE);
    expect((await readService(engine.db, service.name)).pausedReason).toBeNull();
    const told = await engine.db.query(
      `select data from events where service_id = $1 and step = 'first run approved'`,
      [service.id],
    );
    expect(told.rows).toEqual([{ data: { actor: 'client:boss', reason: 'looks right', plan: id } }]);
  });

  test('cannot be approved by a plan that most of what is due came after', async () => {
    await newService('stale');
    const { id } = await plan();
    await engine.db.query(`update accounts set wanted_version = nextval('version_seq') where service_id = $1`, [
      service.id,
    ]);

    await expect(approve(id)).rejects.toThrow(`${PEOPLE} accounts have become due since`);

    expect((await readService(engine.db, service.name)).firstRun).toBe('plan');
  });

  test('begins without a plan where a person sets it so', async () => {
    const opened = await updateService(
      engine.db,
      { name: service.name, alter: (before) => ({ ...before, firstRun: 'write' }) },
      { actor: 'client:boss', reason: 'small enough' },
    );
    await engine.flowDeps.starter.sweepNow();
    await allQuiet(engine, service.id);

    expect(opened.record.pausedReason).toBeNull();
    expect(await countOf('active')).toBe(PEOPLE);
  });

  test('of a service that is set to write is no plan', async () => {
    await engine.db.query(`update services set enabled = false`);
    target.reset();
    service = await engine.addService({ name: 'plain', connector: 'scripted' });
    const { record, change } = await createUser(engine.db, { username: 'somebody', state: 'Member' }, BY);
    const subject = { kind: 'user', id: record.id } as const;
    await engine.flow.changed(change?.changeId ?? 0);
    const granted = await addGrant(engine.db, { serviceId: service.id, subject }, BY);
    await engine.flow.changed(granted.change?.changeId ?? 0);

    const place = { serviceId: service.id, userId: record.id };
    const account = await accountWhere(engine, place, ({ status }) => status === 'active');

    expect(account.remoteId).not.toBeNull();
  });
});
