import { ableConnector, bareConnector } from '../test/environment/fake-connector';
import { createTestApi } from '../test/environment/api';
import type { TestApi } from '../test/environment/api';

describe('the first run of a service that is added', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await createTestApi({ connectors: [ableConnector(), bareConnector()] });
  });
  afterAll(() => api.close());

  async function add(name: string, fields: object = {}) {
    const body = { name, connector: 'example', ...fields };
    const answer = await api.call('post', '/v1/services').send(body).expect(202);
    return (answer.body as { service: { firstRun: string; paused: unknown } }).service;
  }

  test('is a plan unless the request says otherwise', async () => {
    expect(await add('mail')).toMatchObject({ firstRun: 'plan', paused: { reason: 'first run' } });
    expect(await add('chat', { firstRun: 'write' })).toMatchObject({ firstRun: 'write', paused: null });
    expect(await add('calls', { connector: 'bare' })).toMatchObject({ firstRun: 'write' });
  });

  test('is told with its status, also that there is no plan yet', async () => {
    const { body } = await api.call('get', '/v1/services/mail/status').expect(200);

    expect(body).toMatchObject({ firstPlan: { id: null, accounts: 0, stale: false } });
  });

  test('is not opened by the end of a pause', async () => {
    await api.call('post', '/v1/services/mail/pause').expect(200);

    const resumed = await api.call('post', '/v1/services/mail/resume').expect(200);
    const refused = await api.call('post', '/v1/services/mail/resume').expect(409);

    expect(resumed.body).toMatchObject({ paused: { reason: 'first run' } });
    expect(refused.body).toMatchObject({ detail: expect.stringContaining('approve its plan') as string });
  });

  test('begins when a person sets it so, which is kept', async () => {
    await api.call('patch', '/v1/services/mail?reason=small').send({ firstRun: 'write' }).expect(200);

    const { rows } = await api.context.db.query(`select data from events where step = 'first run approved'`);
    expect(rows).toEqual([{ data: { actor: expect.any(String) as string, reason: 'small' } }]);
    expect(api.told).toContain('serviceOpened');
    expect((await api.call('get', '/v1/services/mail/status')).body).toMatchObject({ paused: null, firstPlan: null });
  });
});
