import { Unavailable } from '../../sdk/index';
import { pauseByHand } from '../../store/pauses';
import { resumeService } from '../../store/engine-services';
import { readOperation } from '../../store/operations';
import type { ServiceRecord } from '../../store/services';
import { cancelSync } from '../../store/sync-steering';
import { readSync, requestSync } from '../../store/syncs';
import type { Sync } from '../../store/syncs';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { addMember, allQuiet, eventually, grantMembers } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

const PEOPLE = 12;

const target = new ScriptedTarget();
let engine: TestEngine;
let service: ServiceRecord;
const people: string[] = [];

beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target)) });
  service = await engine.addService({ name: 'whole', connector: 'scripted' });
  await grantMembers(engine, service.id);
  for (let made = 0; made < PEOPLE; made += 1) people.push(await addMember(engine, `person-${made}`));
  await allQuiet(engine, service.id);
});
beforeEach(() => target.reset());
afterAll(() => engine.close());

async function begin(): Promise<{ readonly syncId: string; readonly operationId: string }> {
  const request = { serviceId: service.id, kind: 'full', scope: {}, actor: 'client:test' } as const;
  const requested = await requestSync(engine.db, request);
  await engine.flow.syncRequested(service.name, requested.syncId);
  return requested;
}

function finished(syncId: string): Promise<Sync> {
  return eventually('the sync has ended', async () => {
    const sync = await readSync(engine.db, syncId);
    return sync?.finishedAt == null ? undefined : sync;
  });
}

async function there(): Promise<number> {
  const found = await engine.db.query(`select from accounts where service_id = $1 and status = 'active'`, [service.id]);
  return found.rowCount ?? 0;
}

describe('a full sync', () => {
  test('puts right what somebody has changed at the far side', async () => {
    const [locked = '', removed = ''] = people;
    const account = target.accounts.get(locked);
    if (account !== undefined) account.enabled = false;
    target.accounts.delete(removed);

    const sync = await finished((await begin()).syncId);

    expect(sync).toMatchObject({ status: 'succeeded', total: PEOPLE, succeeded: 2, failed: 0 });
    expect(target.accounts.get(locked)?.enabled).toBe(true);
    expect(target.accounts.has(removed)).toBe(true);
    expect(target.called('listAccounts')).toBe(1);
  });

  test('removes nobody when the list is empty', async () => {
    target.script = (call) => (call.method === 'listAccounts' ? Promise.resolve({ items: [] }) : undefined);

    const sync = await finished((await begin()).syncId);

    expect(sync).toMatchObject({ status: 'succeeded', unchanged: PEOPLE });
    expect(await there()).toBe(PEOPLE);
    expect(target.called('deleteAccount') + target.called('createAccount')).toBe(0);
  });

  test('fails as a whole, and touches nobody, when the list cannot be read', async () => {
    target.script = (call) =>
      call.method === 'listAccounts' ? Promise.reject(new Unavailable('the list broke off')) : undefined;

    const { syncId, operationId } = await begin();
    const sync = await finished(syncId);

    expect(sync).toMatchObject({ status: 'failed', total: 0 });
    expect(sync.error).toContain('the list broke off');
    expect(await readOperation(engine.db, operationId)).toMatchObject({ status: 'failed', outcome: sync.error });
    expect(new Set(target.calls.map(({ method }) => method))).toEqual(new Set(['listAccounts']));
  });

  test('that is cancelled while it reads the list ends within seconds', async () => {
    let arrive: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => (arrive = resolve));
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    target.script = (call) => {
      if (call.method !== 'listAccounts') return undefined;
      arrive();
      return opened;
    };
    const { syncId } = await begin();
    await reached;
    await cancelSync(engine.db, syncId);
    await engine.flow.syncSteered(syncId);

    expect(await finished(syncId)).toMatchObject({ status: 'cancelled', total: 0 });
    open();
  });

  test('waits for a service that is paused', async () => {
    await pauseByHand(engine.db, { serviceId: service.id, actor: 'client:boss' });
    const { syncId } = await begin();
    await engine.flowDeps.starter.sweepNow();
    expect((await readSync(engine.db, syncId))?.status).toBe('queued');

    await resumeService(engine.db, service.id);
    await engine.flow.serviceOpened();

    expect(await finished(syncId)).toMatchObject({ status: 'succeeded', total: PEOPLE });
  });
});
