import { createTestDatabase } from '../test/environment/database';
import type { TestDatabase } from '../test/environment/database';
import { openDatabase } from './database';
import type { Database } from './database';
import {
  countUnread,
  insertNotification,
  listNotifications,
  markRead,
  recordDelivery,
  takeDeliveries,
} from './notifications';
import type { NewNotification } from './notifications';

const USER = '00000000-0000-4000-8000-000000000001';
const NOTE: NewNotification = {
  userId: USER,
  level: 'warning',
  title: 'Removed',
  text: 'Your account on wiki was removed.',
  serviceName: 'wiki',
};

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase({ migrated: true });
  db = openDatabase({ url: database.url, max: 5 });
});

beforeEach(async () => {
  await db.query('delete from notifications');
});

afterAll(async () => {
  await db.close();
  await database.drop();
});

test('an unread notification is not repeated, a read one is', async () => {
  const first = await insertNotification(db, { ...NOTE, dedupeKey: 'k' });
  const second = await insertNotification(db, { ...NOTE, dedupeKey: 'k' });
  const wasRead = await markRead(db, first ?? '');
  const third = await insertNotification(db, { ...NOTE, dedupeKey: 'k' });

  expect(second).toBeUndefined();
  expect(wasRead).toBe(true);
  expect(third).toBeDefined();
  expect(await markRead(db, first ?? '')).toBe(false);
});

test('lists part persons from operators and page newest first', async () => {
  for (const title of ['a', 'b', 'c']) await insertNotification(db, { ...NOTE, title });
  await insertNotification(db, { ...NOTE, userId: null, title: 'guard' });

  const page = await listNotifications(db, { userId: USER, limit: 2 });
  const rest = await listNotifications(db, { userId: USER, limit: 2, after: page.at(-1)?.id });

  expect([...page, ...rest].map((note) => note.title)).toEqual(['c', 'b', 'a']);
  expect((await listNotifications(db, { userId: null, limit: 9 })).map((note) => note.title)).toEqual(['guard']);
  expect(await listNotifications(db, { limit: 9 })).toHaveLength(4);
  expect(await countUnread(db, USER)).toBe(3);
});

test('a due delivery is taken by one process and is over when delivered', async () => {
  await insertNotification(db, { ...NOTE, deliver: true });
  await insertNotification(db, NOTE);

  const [one, two] = await Promise.all([takeDeliveries(db, 10), takeDeliveries(db, 10)]);
  const taken = [...one, ...two];
  await recordDelivery(db, taken[0]?.id ?? '', { outcome: 'again', inMs: 0, error: 'HTTP 500' });
  const again = await takeDeliveries(db, 10);
  await recordDelivery(db, taken[0]?.id ?? '', { outcome: 'delivered' });

  expect(taken).toHaveLength(1);
  expect(again).toMatchObject([{ attempts: 2, serviceName: 'wiki' }]);
  expect((await db.query<{ delivery: string }>(`select delivery from notifications order by 1`)).rows).toEqual([
    { delivery: 'delivered' },
    { delivery: 'none' },
  ]);
});
