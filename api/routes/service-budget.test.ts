import { z } from 'zod';
import { defineConnector } from '@muster/sdk';
import { createTestApi } from '../../test/environment/api';
import type { TestApi } from '../../test/environment/api';

const connector = defineConnector({ kind: 'wiki', title: 'Wiki', sdk: 1, config: z.strictObject({}), secrets: [] });

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi({ connectors: [connector] });
  await api.call('post', '/v1/services').send({ name: 'wiki', connector: 'wiki' }).expect(202);
});
afterAll(() => api.close());

describe('the budget of a service', () => {
  test('is empty at first: limits are learned', async () => {
    const { body } = await api.call('get', '/v1/services/wiki').expect(200);

    expect(body).toMatchObject({ budget: {} });
  });

  test('is set whole, and makes no account due', async () => {
    const budget = {
      limits: [{ limit: 50, windowMs: 1_000, kind: 'log' }],
      routes: { 'PATCH /users/{}': [{ limit: 5, windowMs: 300_000 }] },
      leaveFree: 0.2,
      concurrency: 1,
    };
    api.told.length = 0;

    const { body } = await api.call('patch', '/v1/services/wiki').send({ budget }).expect(200);

    expect(body).toMatchObject({ service: { budget } });
    expect(api.told).toEqual([]);
    const { body: after } = await api.call('patch', '/v1/services/wiki').send({ budget: {} }).expect(200);
    expect(after).toMatchObject({ service: { budget: {} } });
  });

  test.each([
    ['a limit of nothing', { limits: [{ limit: 0, windowMs: 1_000 }] }],
    ['a window of no time', { limits: [{ limit: 5, windowMs: 0 }] }],
    ['an unknown way to count', { limits: [{ limit: 5, windowMs: 1_000, kind: 'moon' }] }],
    ['a route that is none', { routes: { users: [{ limit: 5, windowMs: 1_000 }] } }],
    ['all of it left to others', { leaveFree: 1 }],
    ['no call at all', { concurrency: 0 }],
    ['an unknown key', { rate: 5 }],
  ])('is refused with %s', async (_what, budget) => {
    await api.call('patch', '/v1/services/wiki').send({ budget }).expect(422);
  });
});
