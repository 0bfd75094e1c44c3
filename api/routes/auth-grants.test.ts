import { createTestApi } from '../../test/environment/api';
import { testToken } from '../../test/environment/identity';
import type { TestApi } from '../../test/environment/api';

const PASSWORD = 'correct horse battery';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

describe('nobody hands on what they do not hold', () => {
  const managing = ['auth.clients.#', 'auth.roles.#', 'auth.self.#', 'foo.#'];

  test('neither by a new client, nor by a role, nor by a token', async () => {
    const { token } = await testToken(api.context.identity, { acl: managing });
    const create = (fields: object) =>
      api.as(token, 'post', '/v1/auth/clients/create').send({ username: 'made-here', password: PASSWORD, ...fields });

    for (const fields of [{ roles: ['admin'] }, { acl: ['#'] }, { acl: ['bar.read'] }]) {
      const answer = await create(fields).expect(403);
      expect(answer.body.type).toBe('/problems/not-grantable');
    }
    await create({ roles: ['no-such-role'] }).expect(422);
    const made = await create({ acl: ['foo.bar'] }).expect(201);
    const path = `/v1/auth/clients/${(made.body as { readonly id: string }).id}`;
    await api.as(token, 'post', `${path}/roles/admin`).expect(403);
    await api
      .as(token, 'post', path)
      .send({ acl: ['#'] })
      .expect(403);
    await api
      .as(token, 'put', '/v1/auth/roles/big')
      .send({ acl: ['#'] })
      .expect(403);
    await api
      .as(token, 'put', '/v1/auth/roles/small')
      .send({ acl: ['foo.bar'] })
      .expect(200);
    await api.as(token, 'post', `${path}/roles/small`).expect(204);
    await api.as(token, 'delete', `${path}/roles`).expect(204);
  });

  test('nor by the password or a token of somebody who holds more', async () => {
    const { token } = await testToken(api.context.identity, { acl: managing });
    const fields = { username: 'chief', password: PASSWORD, roles: ['admin'] };
    const made = await api.call('post', '/v1/auth/clients/create').send(fields).expect(201);
    const path = `/v1/auth/clients/${(made.body as { readonly id: string }).id}`;

    await api.as(token, 'post', path).send({ password: 'taken over now' }).expect(403);
    await api.as(token, 'post', `${path}/tokens`).send({}).expect(403);
    await api.as(token, 'post', `${path}/disable`).expect(403);
    await api.as(token, 'delete', path).expect(403);
    await api
      .as(token, 'post', `${path}/tokens`)
      .send({ acl: ['foo.bar'] })
      .expect(201);
    await api.anonymous('post', '/v1/auth').send({ username: 'chief', password: PASSWORD }).expect(200);
  });

  test('what a role says counts at once; a built-in one stays as it is', async () => {
    await api
      .call('put', '/v1/auth/roles/reader')
      .send({ acl: ['organisation.users.read'] })
      .expect(200);
    const { token } = await testToken(api.context.identity, { roles: ['reader'] });
    await api.as(token, 'get', '/v1/users').expect(200);

    await api
      .call('put', '/v1/auth/roles/reader')
      .send({ acl: ['organisation.groups.read'] })
      .expect(200);

    await api.as(token, 'get', '/v1/users').expect(403);
    await api.call('delete', '/v1/auth/roles/reader').expect(204);
    await api.as(token, 'get', '/v1/groups').expect(403);
    await api.call('put', '/v1/auth/roles/admin').send({ acl: [] }).expect(409);
  });
});

describe('the audit trail', () => {
  test('has every administrative act and every refusal, the same ones counted', async () => {
    const { token, name, clientId } = await testToken(api.context.identity, { acl: ['auth.self.#'] });
    await api
      .call('put', '/v1/auth/roles/seen')
      .send({ acl: ['foo'] })
      .expect(200);
    for (let time = 0; time < 3; time += 1) await api.as(token, 'delete', `/v1/auth/clients/${clientId}`).expect(403);

    const done = await api.call('get', '/v1/audit?actor=client:admin&outcome=done&limit=1').expect(200);
    const refused = await api.call('get', `/v1/audit?actor=client:${name}`).expect(200);

    expect(done.body.items).toMatchObject([{ action: 'PUT /v1/auth/roles/{role}', target: 'seen' }]);
    const counts = (refused.body.items as readonly { readonly count: number }[]).map(({ count }) => count);
    expect(refused.body.items[0]).toMatchObject({
      outcome: 'refused',
      client: clientId,
      detail: 'forbidden',
      target: clientId,
    });
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3);
  });
});
