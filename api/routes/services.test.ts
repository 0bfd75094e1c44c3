import { z } from 'zod';
import { defineConnector } from '@muster/sdk';
import { openServiceSecrets } from '../../config/service-secrets';
import { ensureBuiltInStates } from '../../store/states';
import { readService } from '../../store/services';
import { createTestApi } from '../../test/environment/api';
import type { TestApi } from '../../test/environment/api';

const connector = defineConnector({
  kind: 'wiki',
  title: 'Wiki',
  sdk: 1,
  config: z
    .strictObject({
      url: z
        .string()
        .regex(/^wiki:/)
        .optional(),
      host: z.string().optional(),
      token: z.string().min(8).optional(),
      size: z.number().default(3),
    })
    .refine((config) => (config.url === undefined) !== (config.host === undefined), {
      error: 'give url or host',
      path: ['host'],
    }),
  secrets: ['token', 'url'],
});
const CANARY = 'canary-secret-0815';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi({ connectors: [connector] });
});

beforeEach(async () => {
  await api.context.db.query('delete from operations; delete from changes; delete from accounts; delete from services');
  await ensureBuiltInStates(api.context.db);
  api.told.length = 0;
});

afterAll(() => api.close());

async function create(fields: object = {}): Promise<void> {
  await api
    .call('post', '/v1/services')
    .send({ name: 'main', connector: 'wiki', config: { host: 'h', token: CANARY }, ...fields })
    .expect(202);
}

async function secrets(): Promise<unknown> {
  return openServiceSecrets(api.context.sealer, await readService(api.context.db, 'main'));
}

test('a new service is shown with what it can do and without its secrets', async () => {
  await create({ title: 'The Wiki', mapping: { groups: { template: 'team_{group}' } } });

  const { body } = await api.call('get', '/v1/services/main').expect(200);

  expect(body).toMatchObject({
    config: { host: 'h', token: { sealed: true } },
    abilities: { manager: [], hook: [] },
    actions: [],
    paused: null,
    begins: 'automatic',
  });
  expect(await secrets()).toEqual({ token: CANARY });
  expect(JSON.stringify(body) + api.logged()).not.toContain(CANARY);
  expect(api.told).toHaveLength(1);
});

test('a change of one key keeps the others and every secret', async () => {
  await create();

  await api
    .call('patch', '/v1/services/main')
    .send({ config: { size: 5 } })
    .expect(202);
  await api
    .call('patch', '/v1/services/main')
    .send({ config: { token: { sealed: true }, size: 6 } })
    .expect(202);
  const { body } = await api
    .call('patch', '/v1/services/main')
    .send({ config: { size: 6 } })
    .expect(200);

  expect(body.service.config).toEqual({ host: 'h', size: 6, token: { sealed: true } });
  expect(await secrets()).toEqual({ token: CANARY });
});

test('a secret is replaced and taken away', async () => {
  await create({ config: { url: 'wiki:x', token: CANARY } });

  await api
    .call('patch', '/v1/services/main')
    .send({ config: { token: 'another-secret' } })
    .expect(202);
  expect(await secrets()).toEqual({ url: 'wiki:x', token: 'another-secret' });
  await api
    .call('patch', '/v1/services/main')
    .send({ config: { token: null, size: 1 } })
    .expect(202);
  expect(await secrets()).toEqual({ url: 'wiki:x' });
  await api
    .call('patch', '/v1/services/main')
    .send({ config: { url: null, host: 'h' } })
    .expect(202);

  expect((await api.call('get', '/v1/services/main').expect(200)).body.config).toEqual({ host: 'h', size: 1 });
});

test.each([
  [{ config: { host: 'h', port: 1 } }, '/config/port'],
  [{ config: { host: 'h', token: 'short' } }, '/config/token'],
  [{ config: { host: 'h', token: { sealed: true } } }, '/config/token'],
  [{ config: {} }, '/config/host'],
  [{ connector: 'unknown' }, '/connector'],
  [{ nameFormat: '{user}' }, '/nameFormat'],
  [{ nameFormats: { Blue: 'b-{attributes.team}-{x}' } }, '/nameFormats/Blue'],
  [{ mapping: { groups: { templates: 'x' } } }, '/mapping/groups/templates'],
  [{ url: 'javascript:alert(1)' }, '/url'],
  [{ guard: { removal: { percent: 101 } } }, '/guard/removal/percent'],
  [{ name: 'Main!' }, '/name'],
])('a bad setting %# is refused with a pointer', async (fields, pointer) => {
  const answer = await api
    .call('post', '/v1/services')
    .send({ name: 'main', connector: 'wiki', config: { host: 'h' }, ...fields });

  expect(answer.status).toBe(422);
  expect(answer.body.errors[0].pointer).toBe(pointer);
  expect(api.told).toEqual([]);
});

test('a service is switched, paused and resumed', async () => {
  await create();

  const off = await api.call('post', '/v1/services/main/disable?reason=moving').expect(202);
  await api.call('post', '/v1/services/main/disable').expect(200);
  await api.call('post', '/v1/services/main/enable').expect(202);
  const paused = await api.call('post', '/v1/services/main/pause').send({ reason: 'maintenance' }).expect(200);
  const resumed = await api.call('post', '/v1/services/main/resume').expect(200);

  expect(off.body).toMatchObject({
    service: { enabled: false },
    operation: { kind: 'disableService', reason: 'moving' },
  });
  expect(paused.body.paused).toMatchObject({ reason: 'operator', detail: 'client:admin: maintenance' });
  expect(resumed.body.paused).toBeNull();
});

test('an empty service is deleted, one with accounts is not', async () => {
  await create();
  await api.context.db.query(
    `insert into accounts (service_id, user_id, username, status, remote_id, wanted_version)
     select id, '00000000-0000-4000-8000-000000000001', 'ada', 'active', 'r', 1 from services`,
  );

  const refused = await api.call('delete', '/v1/services/main').expect(409);
  await api.context.db.query(`update accounts set status = 'removed', remote_id = null`);
  await api.call('delete', '/v1/services/main').expect(204);

  expect(refused.body.detail).toContain('Disable it first');
  await api.call('get', '/v1/services/main').expect(404);
});

test('new credentials end the pause that the old ones caused', async () => {
  await create();
  await api.context.db.query(`update services set paused_reason = 'credentials', paused_at = clock_timestamp()`);

  const { body } = await api
    .call('patch', '/v1/services/main')
    .send({ config: { token: 'another-secret' } })
    .expect(202);

  expect(body.service.paused).toBeNull();
});
