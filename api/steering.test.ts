import { createTestApi } from '../test/environment/api';
import { ableConnector } from '../test/environment/fake-connector';
import { addAccounts, addService, addUser, addUsers } from '../test/store/organisation';
import { insertNotification } from '../store/notifications';
import { recordItems, stageSync } from '../store/sync-items';
import { ensureBuiltInStates } from '../store/states';
import { startNextQueued } from '../store/syncs';
import type { TestApi } from '../test/environment/api';

describe('steering a service over the API', () => {
  let api: TestApi;
  let mail: string;
  let crowd: readonly string[];
  beforeAll(async () => {
    api = await createTestApi({ connectors: [ableConnector()] });
    const { db } = api.context;
    await ensureBuiltInStates(db);
    mail = await addService(db, { name: 'mail' });
    await addService(db, { name: 'chat' });
    crowd = await addUsers(db, 3);
    await addAccounts(db, mail, crowd);
  });
  afterAll(() => api.close());
  beforeEach(() => {
    api.told.length = 0;
  });

  const stage = async (users: readonly string[]): Promise<readonly string[]> => {
    const { rows } = await api.context.db.query<{ id: string }>(
      `insert into guard_staged (id, service_id, user_id, username, kind, version)
       select gen_random_uuid(), $1, id, 'someone', 'removal', 1 from unnest($2::uuid[]) id returning id`,
      [mail, users],
    );
    return rows.map((row) => row.id);
  };

  test('the status counts accounts by status and what waits', async () => {
    const answer = await api.call('get', '/v1/services/mail/status').expect(200);

    expect(answer.body).toMatchObject({
      service: 'mail',
      enabled: true,
      paused: null,
      due: 0,
      waiting: 0,
      running: 0,
      failed: 0,
      staged: 0,
      accounts: { none: 0, pending: 0, active: 3, disabled: 0, removed: 0 },
    });
  });

  test('the connection test answers what the worker found', async () => {
    const answer = await api.call('post', '/v1/services/mail/test').expect(200);

    expect(answer.body).toEqual({ ok: true, missing: [], remote: 'fake 1.0' });
  });

  test('staged removals are listed and approved by id', async () => {
    const [first = '', second = ''] = await stage(crowd.slice(0, 2));

    const listed = await api.call('get', '/v1/services/mail/guard').expect(200);
    const answer = await api
      .call('post', '/v1/services/mail/guard/approve')
      .send({ ids: [first], reason: 'they left' })
      .expect(202);
    const left = await api.call('get', '/v1/services/mail/guard').expect(200);
    const all = await api.call('get', '/v1/services/mail/guard?show=all').expect(200);

    expect(listed.body.items).toHaveLength(2);
    expect(answer.body).toMatchObject({
      decided: 1,
      notOpen: [],
      operation: { kind: 'approveStaged', reason: 'they left' },
    });
    expect(left.body.items.map((item: { id: string }) => item.id)).toEqual([second]);
    expect(all.body.items).toHaveLength(2);
    expect(api.told).toEqual([expect.stringMatching(/^changed \d+$/)]);
  });

  test('all that is left can be rejected, and then nothing waits', async () => {
    await stage(crowd.slice(2));

    const answer = await api
      .call('post', '/v1/services/mail/guard/reject')
      .send({ ids: 'all', reason: 'a mistake' })
      .expect(202);
    const again = await api
      .call('post', '/v1/services/mail/guard/reject')
      .send({ ids: 'all', reason: 'a mistake' })
      .expect(409);

    expect(answer.body.decided).toBe(2);
    expect(again.body.type).toBe('/problems/conflict');
  });

  test('a sync is requested, joined, listed, read and cancelled', async () => {
    const first = await api
      .call('post', '/v1/services/mail/syncs')
      .send({ kind: 'groups', reason: 'weekly' })
      .expect(202);
    const joined = await api.call('post', '/v1/services/mail/syncs').send({ kind: 'groups' }).expect(202);
    const listed = await api.call('get', '/v1/services/mail/syncs').expect(200);
    const { id, links } = first.body.sync;
    const cancelled = await api.call('post', `${links.self as string}/cancel`).expect(202);
    const again = await api.call('post', `${links.self as string}/cancel`).expect(409);

    expect(joined.body).toMatchObject({ joined: true, sync: { id } });
    expect(listed.body.items).toHaveLength(1);
    expect(api.told).toEqual([`syncRequested mail ${id as string}`, `syncRequested mail ${id as string}`]);
    expect(cancelled.body.status).toBe('cancelled');
    expect(again.body.type).toBe('/problems/conflict');
    await api.call('get', `/v1/services/chat/syncs/${id as string}`).expect(404);
  });

  test('a running sync is told to stop', async () => {
    const answer = await api
      .call('post', '/v1/services/mail/syncs')
      .send({ kind: 'accounts', users: [...crowd] })
      .expect(202);
    await startNextQueued(api.context.db, mail);
    const { id, links } = answer.body.sync;

    await api.call('post', `${links.self as string}/cancel`).expect(202);

    expect(api.told).toContain(`syncSteered ${id as string}`);
    await api.context.db.query(`update syncs set status = 'cancelled', finished_at = now() where id = $1`, [id]);
  });

  test('the items of a sync are listed by outcome', async () => {
    const answer = await api
      .call('post', '/v1/services/mail/syncs')
      .send({ kind: 'groups', users: [...crowd] })
      .expect(202);
    const { id, links } = answer.body.sync;
    await startNextQueued(api.context.db, mail);
    await stageSync(api.context.db, id as string);
    await recordItems(api.context.db, id as string, [{ seq: 1, outcome: 'failed', reason: 'refused' }]);

    const failed = await api.call('get', `${links.items as string}?outcome=failed`).expect(200);
    const open = await api.call('get', `${links.items as string}?outcome=open&limit=1`).expect(200);

    expect(failed.body.items).toMatchObject([{ seq: 1, outcome: 'failed', reason: 'refused' }]);
    expect(open.body.items).toHaveLength(1);
    expect(open.body.cursor).toBeDefined();
    await api.context.db.query(`update syncs set status = 'cancelled', finished_at = now() where id = $1`, [id]);
  });

  test('a sync of unknown people names every one of them', async () => {
    const users = ['username:ghost', crowd[0] ?? '', 'external:none'];

    const answer = await api.call('post', '/v1/services/mail/syncs').send({ kind: 'groups', users }).expect(404);

    expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toEqual(['/users/0', '/users/2']);
  });

  test('an action on many people prefers the bulk way', async () => {
    const body = { action: 'updateGroups', users: [...crowd] };

    const answer = await api.call('post', '/v1/services/mail/actions').send(body).expect(202);

    expect(answer.body.operation).toMatchObject({ kind: 'sync groups' });
    expect(api.told).toHaveLength(1);
    expect(api.told[0]).toMatch(/^syncRequested mail /);
  });

  test('an action without a bulk way gives each person a result', async () => {
    const body = { action: 'resetPassword', users: [crowd[0], 'username:ghost'] };

    const answer = await api.call('post', '/v1/services/mail/actions').send(body).expect(202);

    expect(answer.body.results).toEqual([
      {
        user: crowd[0],
        problem: { type: '/problems/not-entitled', detail: expect.stringContaining('has no right to mail') },
      },
      { user: 'username:ghost', problem: { type: '/problems/not-found', detail: 'There is no user username:ghost.' } },
    ]);
  });

  test('an action on one person answers its operation', async () => {
    const body = { action: 'validateUser', users: [crowd[0]], reason: 'checked' };

    const answer = await api.call('post', '/v1/services/mail/actions').send(body).expect(202);

    expect(answer.body.operation).toMatchObject({ kind: 'validateUser', reason: 'checked' });
    expect(api.told).toEqual([`accountDue ${mail} ${crowd[0] ?? ''}`]);
  });

  test('notifications are listed by recipient and marked as read', async () => {
    const dora = await addUser(api.context.db, { username: 'dora' });
    const own = { userId: dora, level: 'warning', title: 'Gone', text: 'Your account', serviceName: 'mail' } as const;
    const id = await insertNotification(api.context.db, own);
    await insertNotification(api.context.db, { userId: null, level: 'danger', title: 'Guard', text: 'Look' });

    const operators = await api.call('get', '/v1/notifications?recipient=operators').expect(200);
    const read = await api.call('post', `/v1/notifications/${id ?? ''}/read`).expect(200);
    const unread = await api.call('get', '/v1/notifications?recipient=username:dora&unread=true').expect(200);

    expect(operators.body.items).toMatchObject([{ title: 'Guard', recipient: { userId: null }, readAt: null }]);
    expect(read.body).toMatchObject({ title: 'Gone', service: 'mail', readAt: expect.any(String) });
    expect(unread.body.items).toEqual([]);
  });
});
