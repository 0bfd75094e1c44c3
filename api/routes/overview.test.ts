import { z } from 'zod';
import { defineConnector } from '@muster/sdk';
import { createTestApi } from '../../test/environment/api';
import { testToken } from '../../test/environment/identity';
import type { TestApi } from '../../test/environment/api';

const connector = defineConnector({ kind: 'wiki', title: 'Wiki', sdk: 1, config: z.strictObject({}), secrets: [] });

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi({ connectors: [connector] });
  for (const [name, budget] of [
    ['busy', { limits: [{ limit: 20, windowMs: 1_000 }], concurrency: 4 }],
    ['calm', {}],
  ] as const) {
    await api.call('post', '/v1/services').send({ name, connector: 'wiki', firstRun: 'write', budget }).expect(202);
  }
  const { db } = api.context;
  await db.query(
    `insert into accounts (service_id, user_id, username, status, wanted_version, applied_version, attention)
     select s.id, ('00000000-0000-4000-8000-00000000000' || n)::uuid, 'u' || n, case when n < 3 then 'active' else 'pending' end, n + 5,
       case when n = 1 then 6 else 0 end, case when n = 4 then 'rejected' end
     from services s cross join generate_series(1, 4) n where s.name = 'busy'`,
  );
  await db.query(`update changes set first_version = 7, committed_at = '2026-01-01T10:00:00Z' where id = 1`);
  await db.query(
    `insert into budgets (service_id, bucket, log, window_ms)
     select id, '', array[extract(epoch from clock_timestamp()) * 1000 + 5000, 0, 0]::double precision[], 1000 from services where name = 'busy'`,
  );
  await db.query(
    `insert into budget_slots (service_id, slot, holder, held_until)
     select id, 1, id, clock_timestamp() + interval '1 minute' from services where name = 'busy'`,
  );
  await db.query(
    `insert into guard_taken (service_id, user_id, kind, done_at) select id, id, 'removal', clock_timestamp() from services where name = 'busy'`,
  );
  await api.call('post', '/v1/services/busy/syncs').send({ kind: 'groups' }).expect(202);
});

afterAll(() => api.close());

test('the overview tells of every service what an operator must know', async () => {
  const { body } = await api.call('get', '/v1/overview').expect(200);

  expect(body.items.map((item: { service: string }) => item.service)).toEqual(['busy', 'calm']);
  expect(body.items[0]).toMatchObject({
    connector: 'wiki',
    due: 2,
    failed: 1,
    accounts: { active: 2, pending: 2 },
    oldestDue: { user: { username: 'u2' }, since: '2026-01-01T10:00:00.000Z' },
    limits: [{ route: null, limit: 20, windowMs: 1_000, source: 'set', used: 1, free: 19 }],
    slots: { cap: 4, held: 1 },
    guard: { removal: { limit: 10, left: 9 }, 'group removal': { limit: 10, left: 10 } },
    syncs: [{ kind: 'groups', status: 'queued', done: 0 }],
  });
  expect(body.items[1]).toMatchObject({ due: 0, oldestDue: null, limits: [], slots: null, syncs: [] });
});

test('who asks again at once is given the same look', async () => {
  const first = await api.call('get', '/v1/overview').expect(200);
  const second = await api.call('get', '/v1/overview').expect(200);

  expect(new Date(second.body.at).getTime() - new Date(first.body.at).getTime()).toBeLessThanOrEqual(2_500);
});

test('the status of one service is of this moment', async () => {
  await api.call('post', '/v1/services/calm/pause').send({ reason: 'works' }).expect(200);

  const { body } = await api.call('get', '/v1/services/calm/status').expect(200);

  expect(body).toMatchObject({ service: 'calm', paused: { reason: 'operator' } });
});

test('recent figures are those of the overview, while a pause is of this moment', async () => {
  const { body: overview } = await api.call('get', '/v1/overview').expect(200);
  await api.call('post', '/v1/services/busy/pause').send({ reason: 'works' }).expect(200);

  const { body } = await api.call('get', '/v1/services/busy/status?figures=recent').expect(200);

  expect(body).toMatchObject({ accounts: overview.items[0].accounts, due: 2, paused: { reason: 'operator' } });
});

test('who runs one service sees how that one stands', async () => {
  const { token } = await testToken(api.context.identity, { acl: ['provisioning.services.calm.#'] });

  const { body } = await api.as(token, 'get', '/v1/overview/own').expect(200);

  expect(body.items.map((item: { service: string }) => item.service)).toEqual(['calm']);
  await api.as(token, 'get', '/v1/overview').expect(403);
});
