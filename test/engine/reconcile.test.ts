import { defineConnector } from '../../sdk/index';
import type { CallContext, Connector, Page, RemoteAccount, RemoteGroup } from '../../sdk/index';
import { Throttled, Unavailable } from '../../sdk/index';
import { ensureInstallId } from '../../store/install';
import { addMembers, createGroup } from '../../store/groups';
import { beginReconciliation, listReconciliationItems, readReconciliation } from '../../store/reconciliations';
import type { Reconciliation, ReconciliationItem, ReconcileMode } from '../../store/reconciliations';
import type { ServiceRecord } from '../../store/services';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { addMember, allQuiet, BY, eventually, grantMembers, settled } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

const PAGE = 2;
const target = new ScriptedTarget();
/** Accounts at the far side that Muster has not made. */
const strangers: RemoteAccount[] = [];
const strangeGroups: RemoteGroup[] = [];
let owner = '';
let engine: TestEngine;
let service: ServiceRecord;

function listed(): readonly RemoteAccount[] {
  const ours = [...target.accounts.values()].map(({ remoteId, profile, key, enabled, groups }) => {
    const ids = groups.map(
      (name) => [...target.groups.values()].find((group) => group.name === name)?.remoteId ?? name,
    );
    return { remoteId, name: profile.name, userId: key.userId, owner, enabled, groups: ids };
  });
  return [...ours, ...strangers];
}

function pageOf<T>(all: readonly T[], cursor: string | undefined): Page<T> {
  const from = Number(cursor ?? 0);
  const items = all.slice(from, from + PAGE);
  return from + PAGE < all.length ? { items, next: String(from + PAGE) } : { items };
}

function listingConnector(): Connector {
  const base = scriptedConnector(target);
  if (base.manager === undefined) throw new Error('the scripted connector has a manager');
  class Listing extends base.manager {
    override listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
      return target.answer({ method: 'listAccounts', userId: undefined }, call, () => pageOf(listed(), cursor));
    }

    override listGroups(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
      const ours = [...target.groups].map(([key, group]) => ({ ...group, key, owner }));
      return target.answer({ method: 'listGroups', userId: undefined }, call, () =>
        pageOf([...ours, ...strangeGroups], cursor),
      );
    }
  }
  return defineConnector({ ...base, manager: Listing });
}

beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(listingConnector()) });
  service = await engine.addService({ name: 'listing', connector: 'scripted' });
  owner = `${await ensureInstallId(engine.db)}:${service.id}`;
  await grantMembers(engine, service.id);
});
afterEach(() => {
  strangers.length = 0;
  strangeGroups.length = 0;
  target.reset();
});
afterAll(() => engine.close());

async function compare(mode: ReconcileMode): Promise<Reconciliation> {
  await allQuiet(engine, service.id);
  const id = await beginReconciliation(engine.db, {
    serviceId: service.id,
    service: 'listing',
    mode,
    actor: 'client:test',
  });
  await engine.flow.reconciliationRequested('listing', id);
  return eventually('the comparison has ended', async () => {
    const run = await readReconciliation(engine.db, id);
    return run !== undefined && run.finishedAt !== null && run;
  });
}

const itemsOf = (run: Reconciliation): Promise<readonly ReconciliationItem[]> =>
  listReconciliationItems(engine.db, { id: run.id, limit: 100 });

function far(userId: string) {
  const account = target.accounts.get(userId);
  if (account === undefined) throw new Error('there is no such account at the far side');
  return account;
}

describe('a service that is as Muster knows it', () => {
  test('shows no difference, however many pages it lists', async () => {
    for (const name of ['ada', 'bob', 'cyd', 'dee', 'eve']) await addMember(engine, name);

    expect(await compare('report')).toMatchObject({ status: 'succeeded', found: {}, accounts: 5, repaired: 0 });
    expect(target.called('listAccounts')).toBe(3);
  });
});

describe('a service where others have been at work', () => {
  test('has every difference reported, and nothing is touched', async () => {
    const [gone, renamed, disabled] = [
      await addMember(engine, 'g1'),
      await addMember(engine, 'r1'),
      await addMember(engine, 'd1'),
    ];
    const { profile } = far(renamed);
    target.accounts.delete(gone);
    far(renamed).profile = { ...profile, name: 'changed-by-hand' };
    far(disabled).enabled = false;
    strangers.push(
      { remoteId: 'x1', name: 'root' },
      { remoteId: 'x2', name: 'theirs', userId: gone, owner: 'another muster' },
    );
    strangeGroups.push({ remoteId: 'wheel', name: 'wheel' });
    const before = target.calls.length;

    const run = await compare('report');
    expect(run).toMatchObject({ found: { missing: 1, name: 1, enabled: 1, unknown: 2 }, repaired: 0 });
    const differences = (await itemsOf(run)).map(({ kind, username, remoteName }) => [kind, username, remoteName]);
    expect(differences).toEqual(
      expect.arrayContaining([
        ['missing', 'g1', 'g1'],
        ['name', 'r1', 'changed-by-hand'],
        ['enabled', 'd1', 'd1'],
        ['unknown', null, 'root'],
        ['unknown', null, 'theirs'],
      ]),
    );
    const written = target.calls.slice(before).filter(({ method }) => !method.startsWith('list'));
    expect(written).toEqual([]);
  });

  test('is put right where that is asked, and only there', async () => {
    strangers.push({ remoteId: 'x1', name: 'root' });
    const before = target.calls.length;

    expect(await compare('repair')).toMatchObject({ repaired: 3 });
    await allQuiet(engine, service.id);
    expect(listed().map(({ name }) => name)).toEqual(expect.arrayContaining(['g1', 'r1', 'd1', 'root']));
    expect([...target.accounts.values()].every(({ enabled }) => enabled)).toBe(true);
    const touched = new Set(target.calls.slice(before).flatMap(({ userId }) => userId ?? []));
    expect(touched.size).toBe(3);
    expect(await compare('report')).toMatchObject({ found: { unknown: 1 } });
  });

  test('has memberships of managed groups put right, and others left alone', async () => {
    const fay = await addMember(engine, 'fay');
    const crew = await createGroup(engine.db, 'crew', BY);
    await settled(engine, crew);
    await settled(engine, await addMembers(engine.db, { groupId: crew.record.id, userIds: [fay], by: BY }));
    expect(far(fay).groups).toEqual(['crew']);
    far(fay).groups = ['wheel'];
    strangeGroups.push({ remoteId: 'wheel', name: 'wheel' });

    const run = await compare('repair');
    expect((await itemsOf(run)).map(({ kind, expected, actual }) => ({ kind, expected, actual }))).toEqual([
      { kind: 'groups', expected: { groups: ['crew'] }, actual: { groups: [] } },
    ]);
    await allQuiet(engine, service.id);
    expect(far(fay).groups).toEqual(['crew']);
  });

  test('has accounts that are ours but were forgotten adopted', async () => {
    const gil = await addMember(engine, 'gil');
    await engine.db.query(
      `update accounts set status = 'none', remote_id = null, remote_name = null, applied_profile = null where user_id = $1`,
      [gil],
    );

    expect(await compare('repair')).toMatchObject({ found: { 'not recorded': 1 }, repaired: 1 });
    await allQuiet(engine, service.id);
    expect(target.called('createAccount', gil)).toBe(1);
    expect(await compare('report')).toMatchObject({ found: {} });
  });
});

describe('a list that cannot be believed', () => {
  test('that broke off on the way says nothing about who is missing', async () => {
    target.script = (call) =>
      call.method === 'listAccounts' && target.called('listAccounts') > 1
        ? Promise.reject(new Unavailable('connection reset'))
        : undefined;

    const run = await compare('repair');
    expect(run).toMatchObject({ status: 'failed', error: 'connection reset', found: {}, repaired: 0 });
  });

  test('that was throttled goes on where it was', async () => {
    let throttled = false;
    target.script = (call) => {
      if (call.method !== 'listAccounts' || throttled || target.called('listAccounts') < 2) return undefined;
      throttled = true;
      return Promise.reject(new Throttled('slowly', { retryAfterMs: 100 }));
    };
    const run = await compare('report');
    expect(run).toMatchObject({ status: 'succeeded', found: {} });
    expect(target.called('listAccounts')).toBe(Math.ceil(target.accounts.size / PAGE) + 1);
  });

  test('that is suddenly empty changes nobody, even where it is to be put right', async () => {
    for (let more = 0; more < 12; more += 1) await addMember(engine, `many-${more}`);
    await allQuiet(engine, service.id);
    const nothing: Page<RemoteAccount> = { items: [] };
    target.script = (call) => (call.method === 'listAccounts' ? Promise.resolve(nothing) : undefined);

    expect(await compare('repair')).toMatchObject({ status: 'succeeded', repaired: 0 });
  });
});
