import { z } from 'zod';
import { defineConnector } from '@muster/sdk';
import { ensureBuiltInStates } from '../../store/states';
import { createTestApi } from '../../test/environment/api';
import type { TestApi } from '../../test/environment/api';

const lower = { maxLength: 20, clean: (name: string) => name.toLowerCase().replace(/[^a-z0-9_-]/g, '') };
const connector = defineConnector({
  kind: 'wiki',
  title: 'Wiki',
  sdk: 1,
  config: z.strictObject({}),
  secrets: [],
  names: lower,
  groupNames: lower,
});

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi({ connectors: [connector] });
  const { db } = api.context;
  await ensureBuiltInStates(db);
  for (const name of ['Deck', 'Engine']) await api.call('post', '/v1/groups').send({ name }).expect(202);
  for (const [username, group] of [
    ['Ada', 'Deck'],
    ['bob', 'Engine'],
  ]) {
    await api
      .call('post', '/v1/users')
      .send({ username, displayName: `${username} L`, attributes: { team: 'x' } })
      .expect(202);
    await api.call('put', `/v1/groups/name:${group}/members/username:${username}`).expect(202);
  }
  await api.call('post', '/v1/services').send({ name: 'wiki', connector: 'wiki', firstRun: 'write' }).expect(202);
  await db.query(
    `insert into accounts (service_id, user_id, username, status, wanted_version, applied_version)
     select s.id, u.id, u.username, 'active', 1, 1 from services s cross join users u`,
  );
});

afterAll(() => api.close());

const preview = (body: object) => api.call('post', '/v1/services/wiki/preview').send(body);

test('without a change nobody is moved or renamed', async () => {
  const { body } = await preview({}).expect(200);

  expect(body).toMatchObject({ mapping: { changes: 0, people: 0 }, names: { examined: 2, changed: 0 } });
});

test('a denied group names the people who would lose it, and what the guard would let go', async () => {
  const mapping = { groups: { deny: ['Deck'] }, states: { table: { Guest: ['everybody'] } } };

  const { body } = await preview({ mapping }).expect(200);

  expect(body.mapping).toMatchObject({
    changes: 2,
    people: 2,
    gained: 2,
    lost: 1,
    guardLeft: 10,
    sources: [
      { kind: 'group', name: 'Deck', before: ['deck'], after: [] },
      { kind: 'state', name: 'Guest', before: [], after: ['everybody'] },
    ],
    examples: [
      { user: { username: 'Ada' }, gains: ['everybody'], loses: ['deck'] },
      { user: { username: 'bob' }, gains: ['everybody'], loses: [] },
    ],
  });
});

test('another template renames the groups and moves nobody', async () => {
  const { body } = await preview({ mapping: { groups: { template: 'org_{group}' } } }).expect(200);

  expect(body.mapping).toMatchObject({ changes: 2, people: 0, sources: [{ isRename: true }, { isRename: true }] });
});

test('name formats are shown with examples, as the service takes them', async () => {
  const { body } = await preview({ nameFormat: '{username}-{attributes.team}', nicknameFormat: '[{state}]' }).expect(
    200,
  );

  expect(body.names).toMatchObject({ examined: 2, changed: 2, impossible: 0 });
  expect(body.names.examples[0]).toMatchObject({
    user: { username: 'Ada' },
    state: 'Guest',
    before: 'ada',
    after: 'ada-x',
    nicknameBefore: 'Ada L',
    nicknameAfter: '[Guest]',
  });
});

test('a format of which no name can be made is counted, one that is not known refused', async () => {
  const { body } = await preview({ nameFormat: '{attributes.nothing}' }).expect(200);

  expect(body.names).toMatchObject({ impossible: 2 });
  await preview({ nameFormat: '{shoe}' }).expect(422);
});
