import { createTestApi } from '../test/environment/api';
import { createTestDatabase } from '../test/environment/database';
import { testToken } from '../test/environment/identity';
import { openDatabase } from '../store/database';
import { createRequestRates } from './request-rates';
import type { Database } from '../store/database';
import type { TestDatabase } from '../test/environment/database';

const MANY = 1_000_000;

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase({ migrated: true });
  db = openDatabase({ url: database.url, max: 5 });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

describe('requests within a minute', () => {
  test('are counted over all processes', async () => {
    const limits = { perClientAndMinute: 100, perAddressAndMinute: MANY };
    const [one, other] = [createRequestRates(db, limits), createRequestRates(db, limits)];

    const answers = await Promise.all(
      Array.from({ length: 300 }, (_none, index) => (index % 2 === 0 ? one : other).takeForClient('client-1')),
    );

    const taken = answers.filter((waitS) => waitS === undefined);
    expect(taken).toHaveLength(100);
    for (const waitS of answers) expect(waitS ?? 1).toBeGreaterThanOrEqual(1);
    expect(await one.takeForClient('client-2')).toBeUndefined();
  });

  test('cost the database one write for many', async () => {
    let writes = 0;
    const counting = {
      query: ((text, values) => {
        writes += 1;
        return db.query(text, values);
      }) as Database['query'],
    };
    const rates = createRequestRates(counting, { perClientAndMinute: MANY, perAddressAndMinute: MANY });

    for (let request = 0; request < 200; request += 1) await rates.takeForClient('client-3');

    expect(writes).toBe(10);
  });

  test('are still counted, by each process for itself, while the database is away', async () => {
    const away = { query: () => Promise.reject(new Error('away')) };
    const rates = createRequestRates(away, { perClientAndMinute: 40, perAddressAndMinute: MANY });

    const answers = await Promise.all(Array.from({ length: 60 }, () => rates.takeForClient('client-4')));

    expect(answers.filter((waitS) => waitS === undefined)).toHaveLength(40);
  });

  test('of a client or an address that asks too often answer 429 with a time; health checks never', async () => {
    const limits = { perClientAndMinute: 20, perAddressAndMinute: 60 };
    const api = await createTestApi({ rates: (own) => createRequestRates(own, limits) });
    const { token } = await testToken(api.context.identity, {});
    const from = (address: string) => api.as(token, 'get', '/v1/auth').set('X-Forwarded-For', address);

    for (let request = 0; request < 20; request += 1) await from('192.0.2.1').expect(200);
    const tooMany = await from('192.0.2.2').expect(429);
    expect(tooMany.body.type).toBe('/problems/too-many-requests');
    expect(Number(tooMany.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    const unknown = () => api.anonymous('get', '/v1/auth').set('X-Forwarded-For', '192.0.2.3');
    for (let request = 0; request < 60; request += 1) await unknown().expect(401);
    await unknown().expect(429);
    await api.anonymous('get', '/health/live').set('X-Forwarded-For', '192.0.2.3').expect(200);
    await api.close();
  });
});
