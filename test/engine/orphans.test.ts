import { Conflict, defineConnector } from '../../sdk/index';
import type { AccountRef, CallContext, Connector, Page, RemoteAccount } from '../../sdk/index';
import type { OrphanSettings } from '../../domain/orphans';
import { listStaged, rejectStaged } from '../../store/guard-decisions';
import { addGrant } from '../../store/grants';
import { ensureInstallId } from '../../store/install';
import { beginReconciliation, listReconciliationItems, readReconciliation } from '../../store/reconciliations';
import type { ReconcileMode } from '../../store/reconciliations';
import type { ServiceRecord } from '../../store/services';
import { createUser } from '../../store/users';
import { listSyncItems } from '../../store/sync-items';
import { requestSync, readSync } from '../../store/syncs';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { allQuiet, BY, eventually } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

interface Stranger {
  readonly remoteId: string;
  readonly name: string;
  readonly email?: string;
  /** The key of somebody else. */
  readonly foreign?: boolean;
}

const target = new ScriptedTarget();
const strangers = new Map<string, Stranger>();
let engine: TestEngine;
let service: ServiceRecord;
let owner = '';
let count = 0;

function listed(): readonly RemoteAccount[] {
  const ours = [...target.accounts.values()].map(({ remoteId, profile, key, enabled }) => {
    return { remoteId, name: profile.name, userId: key.userId, owner: key.owner, enabled };
  });
  const others = [...strangers.values()].map(({ foreign, ...account }) => {
    return foreign === true
      ? { ...account, userId: '00000000-0000-4000-8000-000000000000', owner: 'another' }
      : account;
  });
  return [...ours, ...others];
}

function connector(): Connector {
  const base = scriptedConnector(target);
  if (base.manager === undefined) throw new Error('the scripted connector has a manager');
  class Adopting extends base.manager {
    override listAccounts(_cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
      return target.answer({ method: 'listAccounts', userId: undefined }, call, () => ({ items: listed() }));
    }

    override adoptAccount({ remoteId, name, key }: AccountRef, call: CallContext) {
      return target.answer({ method: 'adoptAccount', userId: key.userId, name }, call, () => {
        const stranger = strangers.get(remoteId);
        if (stranger === undefined) return 'gone' as const;
        if (stranger.foreign === true) throw new Conflict('it is of another');
        strangers.delete(remoteId);
        const profile = { name, nickname: '', displayName: '', email: null, attributes: {} };
        target.accounts.set(key.userId, { remoteId, key, profile, enabled: true, groups: [], password: undefined });
        return 'done' as const;
      });
    }
  }
  return defineConnector({ ...base, manager: Adopting });
}

beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(connector()) });
});
afterAll(() => engine.close());

/** A service of its own with these strangers, to which nobody has a right yet. */
async function newService(orphans: OrphanSettings, names: readonly Omit<Stranger, 'remoteId'>[] = []): Promise<void> {
  target.accounts.clear();
  target.reset();
  strangers.clear();
  for (const one of names) strangers.set(`far ${one.name}`, { remoteId: `far ${one.name}`, ...one });
  service = await engine.addService({ name: `old-${(count += 1)}`, connector: 'scripted', firstRun: 'plan', orphans });
  owner = `${await ensureInstallId(engine.db)}:${service.id}`;
}

/** Somebody with a right to the service. Nothing is written there: its first run waits. */
async function person(username: string, email: string | null = null): Promise<string> {
  const { record, change } = await createUser(engine.db, { username, state: 'Member', email }, BY);
  await engine.flow.changed(change?.changeId ?? 0);
  const granted = await addGrant(engine.db, { serviceId: service.id, subject: { kind: 'user', id: record.id } }, BY);
  await engine.flow.changed(granted.change?.changeId ?? 0);
  return record.id;
}

async function compare(mode: ReconcileMode) {
  const { id: serviceId, name } = service;
  const id = await beginReconciliation(engine.db, { serviceId, service: name, mode, actor: 'client:test' });
  await engine.flow.reconciliationRequested(name, id);
  const run = await eventually('the comparison has ended', async () => {
    const found = await readReconciliation(engine.db, id);
    return found?.finishedAt == null ? undefined : found;
  });
  return { ...run, items: await listReconciliationItems(engine.db, { id, limit: 100 }) };
}

async function begin(): Promise<void> {
  await engine.db.query(`update services set first_run = 'write' where id = $1`, [service.id]);
  await engine.flow.serviceOpened();
  await allQuiet(engine, service.id);
}

function far(): readonly string[] {
  return [...strangers.values(), ...[...target.accounts.values()].map(({ profile }) => profile)]
    .map(({ name }) => name)
    .toSorted();
}

describe('an account that was there before Muster', () => {
  test('is reported and never touched as long as nobody says more', async () => {
    await newService({}, [{ name: 'ann' }]);
    await person('ann');

    const run = await compare('repair');
    await begin();

    expect(run.found).toEqual({ unknown: 1 });
    expect(target.called('adoptAccount')).toBe(0);
    expect([...strangers.keys()]).toEqual(['far ann']);
  });

  test('becomes the account of the person with its name, where that is the rule', async () => {
    await newService({ adopt: 'by name' }, [{ name: 'ben' }, { name: 'nobody' }]);
    const ben = await person('ben');

    const report = await compare('report');
    expect(report.items.map(({ kind, remoteName, username }) => [kind, remoteName, username])).toEqual([
      ['unknown', 'ben', 'ben'],
      ['unknown', 'nobody', null],
    ]);
    expect(report.repaired).toBe(0);
    await compare('repair');
    await begin();

    expect(target.called('createAccount')).toBe(0);
    expect(target.accounts.get(ben)).toMatchObject({ remoteId: 'far ben', key: { owner }, profile: { name: 'ben' } });
    expect([...strangers.keys()]).toEqual(['far nobody']);
  });

  test('is known by its address, and a plan says so before', async () => {
    await newService({ adopt: 'by email' }, [{ name: 'c.old', email: 'Cid@example.org' }]);
    const cid = await person('cid', 'cid@example.org');
    await compare('repair');

    const { syncId } = await requestSync(engine.db, {
      serviceId: service.id,
      kind: 'due',
      scope: {},
      dryRun: true,
      actor: 'client:test',
    });
    await engine.flow.syncRequested(service.name, syncId);
    await eventually('the plan is ready', async () => (await readSync(engine.db, syncId))?.status === 'succeeded');
    const [planned] = await listSyncItems(engine.db, { syncId, limit: 10 });
    expect(planned?.planned).toMatchObject({ steps: ['adopt', 'update profile', 'set nickname', 'set groups'] });
    await begin();

    expect(target.accounts.get(cid)).toMatchObject({ remoteId: 'far c.old', profile: { name: 'cid' } });
  });

  test('that another has taken meanwhile is left to them', async () => {
    await newService({ adopt: 'by name' }, [{ name: 'dan' }]);
    const dan = await person('dan');
    await compare('repair');
    strangers.set('far dan', { remoteId: 'far dan', name: 'dan', foreign: true });
    await begin();

    expect(target.accounts.get(dan)?.remoteId).toBe(`remote ${dan}`);
    expect(strangers.get('far dan')?.foreign).toBe(true);
  });
});

describe('accounts that are nobody’s', () => {
  test('are taken away where policy says so, but for those to be kept and those of others', async () => {
    await newService({ unknown: 'remove', keep: ['svc-*'] }, [
      { name: 'left-1' },
      { name: 'left-2' },
      { name: 'svc-backup' },
      { name: 'theirs', foreign: true },
    ]);

    const run = await compare('repair');
    await begin();

    expect(run.repaired).toBe(2);
    expect(far()).toEqual(['svc-backup', 'theirs']);
    expect(target.calls.filter(({ method }) => method === 'deleteAccount').length).toBe(2);
  });

  test('are only locked where policy says that', async () => {
    await newService({ unknown: 'disable' }, [{ name: 'idle' }]);

    await compare('repair');
    await begin();

    expect([...target.accounts.values()].map(({ enabled }) => enabled)).toEqual([false]);
    expect(target.called('deleteAccount')).toBe(0);
  });

  test('wait for a person where they are more than the guard allows, and stay when it says no', async () => {
    await newService(
      { unknown: 'remove' },
      Array.from({ length: 14 }, (_, index) => ({ name: `many-${index}` })),
    );

    await compare('repair');
    await begin();

    const staged = await listStaged(engine.db, { serviceId: service.id, limit: 100 });
    expect(staged.length).toBe(14);
    expect(strangers.size).toBe(14);
    const by = { serviceId: service.id, actor: 'client:boss', reason: 'not these' };
    const { changeId } = await rejectStaged(engine.db, { ...by, ids: 'all' });
    await engine.flow.changed(changeId ?? 0);
    await allQuiet(engine, service.id);
    const again = await compare('repair');
    await allQuiet(engine, service.id);

    expect(again.found).toEqual({ unknown: 14 });
    expect(strangers.size).toBe(14);
    expect(await listStaged(engine.db, { serviceId: service.id, limit: 100 })).toEqual([]);
  });

  test('but carry our key are read back, and go only as policy says', async () => {
    await newService({ unknown: 'report' });
    const gone = '11111111-1111-4111-8111-111111111111';
    const profile = { name: 'restored', nickname: '', displayName: '', email: null, attributes: {} };
    target.accounts.set(gone, {
      remoteId: 'far restored',
      key: { userId: gone, owner },
      profile,
      enabled: true,
      groups: [],
      password: undefined,
    });

    const run = await compare('repair');
    await begin();

    expect(run.found).toEqual({ 'not recorded': 1 });
    expect(target.accounts.has(gone)).toBe(true);
    await engine.db.query(`update services set orphans = '{"unknown": "remove"}' where id = $1`, [service.id]);
    await engine.db.query(`update accounts set wanted_version = nextval('version_seq') where service_id = $1`, [
      service.id,
    ]);
    await engine.flow.serviceOpened();
    await allQuiet(engine, service.id);

    expect(target.accounts.has(gone)).toBe(false);
  });
});
