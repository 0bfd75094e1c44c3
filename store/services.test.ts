import { createTestDatabase } from '../test/environment/database';
import type { TestDatabase } from '../test/environment/database';
import { openDatabase } from './database';
import type { Database } from './database';
import { deleteService } from './service-removal';
import { createService, DEFAULT_SETTINGS, listServices, newServiceId, readService, updateService } from './services';
import type { ServiceSettings } from './services';

const BY = { actor: 'client:test' };
const USER = '00000000-0000-4000-8000-000000000001';

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase({ migrated: true });
  db = openDatabase({ url: database.url, max: 5 });
});

beforeEach(async () => {
  await db.query('delete from operations; delete from changes; delete from accounts; delete from services');
});

afterAll(async () => {
  await db.close();
  await database.drop();
});

async function create(settings: Partial<ServiceSettings> = {}, name = 'wiki'): Promise<string> {
  const id = newServiceId();
  await createService(db, { id, name, connector: 'example', settings: { ...DEFAULT_SETTINGS, ...settings } }, BY);
  return id;
}

async function alter(settings: Partial<ServiceSettings>): Promise<readonly string[] | undefined> {
  const { change } = await updateService(db, { name: 'wiki', alter: (before) => ({ ...before, ...settings }) }, BY);
  if (change === undefined) return undefined;
  const rows = await db.query<{ reasons: string[] }>(`select reasons from changes where id = $1`, [change.changeId]);
  return rows.rows[0]?.reasons;
}

test('a service is kept as it was given', async () => {
  const settings = {
    mapping: { groups: { template: 'team_{group}' }, states: { table: { Member: ['members'] } } },
    config: { url: 'x' },
    sealedConfig: Buffer.from('s'),
    nameFormats: { Blue: 'b-{username}' },
  };

  await create(settings);

  expect(await readService(db, 'wiki')).toMatchObject({
    ...settings,
    name: 'wiki',
    connector: 'example',
    enabled: true,
    begins: 'automatic',
  });
  await expect(create()).rejects.toMatchObject({ code: 'already-exists', errors: [{ pointer: '/name' }] });
  await expect(readService(db, "x'; --")).rejects.toMatchObject({ code: 'not-found' });
});

test.each<[string, Partial<ServiceSettings>, readonly string[] | undefined]>([
  ['mapping', { mapping: { reserved: ['admin*'] } }, ['updateGroups']],
  ['name format', { nameFormat: '{displayName}' }, ['updateProfile', 'syncNickname']],
  ['configuration', { config: { a: 1 } }, ['updateGroups', 'updateProfile', 'syncNickname', 'reconfigured']],
  ['secret', { sealedConfig: Buffer.from('other') }, ['updateGroups', 'updateProfile', 'syncNickname', 'reconfigured']],
  ['switch', { enabled: false }, ['validateUser', 'createAccount', 'updateGroups']],
  ['title', { title: 'The Wiki' }, undefined],
])('an altered %s makes accounts due for its reasons', async (_what, settings, reasons) => {
  await create();
  const { configVersion } = await readService(db, 'wiki');

  const recorded = await alter(settings);

  expect(recorded).toEqual(reasons);
  expect((await readService(db, 'wiki')).configVersion).toBe(configVersion + 1);
});

test('an update that alters nothing keeps the version', async () => {
  await create({ config: { a: 1, b: 2 } });
  const { configVersion } = await readService(db, 'wiki');

  expect(await alter({ config: { b: 2, a: 1 } })).toBeUndefined();
  expect((await readService(db, 'wiki')).configVersion).toBe(configVersion);
});

test('a service with accounts is not deleted, and the refusal says what to do', async () => {
  const id = await create();
  await db.query(
    `insert into accounts (service_id, user_id, username, status, remote_id, wanted_version) values ($1, $2, 'ada', 'active', 'r1', 1)`,
    [id, USER],
  );

  await expect(deleteService(db, 'wiki')).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('Disable it first'),
  });
});

test('a service with nothing but tombstones goes with all that belongs to it', async () => {
  const id = await create();
  await db.query(
    `insert into accounts (service_id, user_id, username, status, wanted_version) values ($1, $2, 'ada', 'removed', 1)`,
    [id, USER],
  );
  await db.query(`insert into account_names (service_id, name, user_id) values ($1, 'ada', $2)`, [id, USER]);
  await db.query(
    `insert into remote_groups (id, service_id, origin, name, wanted_version) values ($2, $1, 'name:x', 'x', 1)`,
    [id, USER],
  );

  await deleteService(db, 'wiki');

  expect(await listServices(db, { limit: 10 })).toEqual([]);
});
