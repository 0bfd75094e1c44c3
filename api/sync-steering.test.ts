import { createTestApi } from '../test/environment/api';
import { addAccounts, addService, addUsers } from '../test/store/organisation';
import { recordItems, stageSync } from '../store/sync-items';
import { finishSync, startNextQueued } from '../store/syncs';
import type { TestApi } from '../test/environment/api';

describe('steering a sync over the API', () => {
  let api: TestApi;
  let mail: string;
  let crowd: readonly string[];
  beforeAll(async () => {
    api = await createTestApi();
    mail = await addService(api.context.db, { name: 'mail' });
    crowd = (await addUsers(api.context.db, 3)).toSorted();
    await addAccounts(api.context.db, mail, crowd);
  });
  afterAll(() => api.close());

  const begun = async (body: object): Promise<string> => {
    const { db } = api.context;
    const asked = await api.call('post', '/v1/services/mail/syncs').send(body).expect(202);
    const { id } = asked.body.sync;
    expect(await startNextQueued(db, mail)).toBe(id);
    await stageSync(db, id);
    return id;
  };
  const sync = (id: string, verb = ''): string => `/v1/services/mail/syncs/${id}${verb}`;

  test('pause, resume and cancel tell the workflow, each only where it fits', async () => {
    const id = await begun({ kind: 'full' });
    await api.call('post', sync(id, '/resume')).expect(409);

    const paused = await api.call('post', sync(id, '/pause')).expect(202);
    await api.call('post', sync(id, '/pause')).expect(202);
    const resumed = await api.call('post', sync(id, '/resume')).expect(202);
    await api.call('post', sync(id, '/cancel')).expect(202);
    await api.call('post', sync(id, '/pause')).expect(409);

    expect(paused.body).toMatchObject({ status: 'paused', progress: { waitsFor: 'resume', endsAt: null } });
    expect(resumed.body).toMatchObject({ status: 'running', progress: { waitsFor: null, done: 0 } });
    expect(api.told.filter((line) => line === `syncSteered ${id}`)).toHaveLength(4);
    await finishSync(api.context.db, id, { status: 'cancelled', reason: 'the sync was cancelled' });
    for (const verb of ['/pause', '/resume', '/cancel']) await api.call('post', sync(id, verb)).expect(409);
  });

  test('one that waits for its turn cannot be paused', async () => {
    const id = await begun({ kind: 'full' });
    const asked = await api.call('post', '/v1/services/mail/syncs').send({ kind: 'nicknames' }).expect(202);
    await api.call('post', sync(asked.body.sync.id, '/pause')).expect(409);
    await api.call('post', sync(asked.body.sync.id, '/cancel')).expect(202);
    await finishSync(api.context.db, id, { status: 'succeeded', reason: 'not reached' });
  });

  test('a retry names the sync that it comes from, and needs failures', async () => {
    const id = await begun({ kind: 'nicknames' });
    await api.call('post', sync(id, '/retry')).expect(409);
    await recordItems(api.context.db, id, [{ seq: 2, outcome: 'failed', reason: 'rejected' }]);
    await finishSync(api.context.db, id, { status: 'succeeded', reason: 'not reached' });

    const retried = await api.call('post', sync(id, '/retry')).send({ reason: 'mended' }).expect(202);
    const joined = await api.call('post', sync(id, '/retry')).expect(202);

    expect(retried.body.sync).toMatchObject({ retryOf: id, kind: 'nicknames', reason: 'mended' });
    expect(joined.body).toMatchObject({ joined: true, sync: { id: retried.body.sync.id } });
    await startNextQueued(api.context.db, mail);
    expect(await stageSync(api.context.db, retried.body.sync.id)).toBe(1);
    await finishSync(api.context.db, retried.body.sync.id, { status: 'succeeded', reason: 'not reached' });
  });

  test('a plan is paged, filtered by step, and approved once', async () => {
    const id = await begun({ kind: 'full', dryRun: true });
    const before = {
      status: 'active',
      name: 'a',
      nickname: 'a',
      displayName: 'A',
      email: null,
      attributes: {},
      groups: [],
    } as const;
    const planned = {
      steps: ['delete'],
      before,
      after: null,
      why: 'No: the person is gone.',
      guard: ['removal'],
    } as const;
    const nothing = { steps: [], before, after: before, why: 'Yes', guard: [] } as const;
    await recordItems(api.context.db, id, [
      { seq: 1, outcome: 'succeeded', planned },
      { seq: 2, outcome: 'unchanged', planned: nothing },
    ]);
    await api.call('post', sync(id, '/approve')).expect(409);
    await finishSync(api.context.db, id, { status: 'succeeded', reason: 'not reached' });

    const page = await api.call('get', sync(id, '/plan?limit=1')).expect(200);
    const rest = await api.call('get', `${sync(id, '/plan')}?cursor=${page.body.cursor as string}`).expect(200);
    const deletes = await api.call('get', sync(id, '/plan?step=delete')).expect(200);
    const approved = await api.call('post', sync(id, '/approve')).send({ reason: 'looks right' }).expect(202);
    await startNextQueued(api.context.db, mail);
    await stageSync(api.context.db, approved.body.sync.id);
    await api.call('post', sync(id, '/approve')).expect(409);

    expect(page.body.items).toEqual([
      expect.objectContaining({ seq: 1, steps: ['delete'], after: null, guard: ['removal'] }),
    ]);
    expect(rest.body.items).toHaveLength(2);
    expect(deletes.body.items).toHaveLength(1);
    expect(approved.body).toMatchObject({ operation: { kind: 'sync full' }, sync: { planOf: id, dryRun: false } });
    const executed = await api.call('get', sync(approved.body.sync.id)).expect(200);
    expect(executed.body).toMatchObject({ total: 1, status: 'running' });
    await api.call('get', sync(approved.body.sync.id, '/plan')).expect(404);
    await finishSync(api.context.db, approved.body.sync.id, { status: 'succeeded', reason: 'not reached' });
  });

  test('progress has a rate, and no end while the service is paused', async () => {
    const { db } = api.context;
    const id = await begun({ kind: 'full' });
    await db.query(`update syncs set started_at = clock_timestamp() - interval '4 seconds' where id = $1`, [id]);
    await recordItems(db, id, [{ seq: 1, outcome: 'unchanged' }]);

    const moving = await api.call('get', sync(id)).expect(200);
    await db.query(`update services set paused_reason = 'operator' where id = $1`, [mail]);
    const paused = await api.call('get', sync(id)).expect(200);
    await db.query(`update services set paused_reason = null where id = $1`, [mail]);

    const { ratePerSecond, endsAt } = moving.body.progress;
    expect(ratePerSecond).toBeGreaterThan(0.15);
    expect(ratePerSecond).toBeLessThanOrEqual(0.25);
    expect(Date.parse(endsAt as string)).toBeGreaterThan(Date.now());
    expect(paused.body.progress).toMatchObject({
      ratePerSecond: null,
      endsAt: null,
      waitsFor: 'the service is paused',
    });
    await finishSync(db, id, { status: 'succeeded', reason: 'not reached' });
  });
});
