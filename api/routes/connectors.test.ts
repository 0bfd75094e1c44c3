import { connector as example } from '../../connectors/example';
import { activeDirectory, ldap } from '../../connectors/ldap';
import { connector as postgres } from '../../connectors/postgres';
import { connector as rabbitmq } from '../../connectors/rabbitmq';
import { connector as xmpp } from '../../connectors/xmpp';
import { createTestApi } from '../../test/environment/api';
import type { TestApi } from '../../test/environment/api';

const CONNECTORS = [xmpp, ldap, activeDirectory, postgres, example, rabbitmq];

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi({ connectors: CONNECTORS });
});
afterAll(() => api.close());

test('the kinds of services are listed with what they can do', async () => {
  const { body } = await api.call('get', '/v1/connectors').expect(200);

  expect(body.items.map(({ kind }: { kind: string }) => kind)).toEqual(CONNECTORS.map(({ kind }) => kind).sort());
  expect(body.items.find(({ kind }: { kind: string }) => kind === 'ldap')).toMatchObject({
    membership: 'by group',
    secrets: ['bindPassword', 'tlsKey'],
    abilities: expect.arrayContaining(['setPassword', 'changeMembers']),
  });
});

test.each(CONNECTORS.map(({ kind }) => kind))(
  'the configuration of %s is a form that shows its secrets',
  async (kind) => {
    const { body } = await api.call('get', `/v1/connectors/${kind}`).expect(200);

    expect(body.config).toMatchObject({ type: 'object', additionalProperties: false });
    for (const key of body.secrets) expect(body.config.properties[key]).toMatchObject({ writeOnly: true });
  },
);

test('the keys of a form say what they mean', async () => {
  for (const kind of ['ldap', 'active-directory', 'xmpp', 'rabbitmq']) {
    const { body } = await api.call('get', `/v1/connectors/${kind}`);
    const fields: [string, { description?: string }][] = Object.entries(body.config.properties);

    expect(fields.filter(([, { description }]) => description === undefined).map(([key]) => key)).toEqual([]);
  }
});

test('a kind that nobody knows is not found', async () => {
  await api.call('get', '/v1/connectors/nothing').expect(404);
});
