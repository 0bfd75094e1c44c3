import { createTestApi } from '../../test/environment/api';
import { testToken } from '../../test/environment/identity';
import { passwordLink } from '../../auth/password-links';
import type { TestApi } from '../../test/environment/api';

const PASSWORD = 'correct horse battery';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi({ auth: { maxSessions: 4 } });
});
afterAll(() => api.close());

interface Issued {
  readonly token: string;
  readonly refreshToken?: string;
  readonly tokenData: { readonly id: string; readonly expiresAt: string; readonly createdAt: string };
  readonly client: { readonly id: string; readonly name: string; readonly roles: readonly string[] };
}

let names = 0;

/** A local client with a password; its name. */
async function addClient(
  fields: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly id: string; readonly username: string }> {
  names += 1;
  const username = `ada-${names}`;
  const made = await api
    .call('post', '/v1/auth/clients/create')
    .send({ username, password: PASSWORD, ...fields })
    .expect(201);
  return { id: (made.body as { readonly id: string }).id, username };
}

async function logIn(username: string, more: Readonly<Record<string, unknown>> = {}): Promise<Issued> {
  const answer = await api
    .anonymous('post', '/v1/auth')
    .send({ username, password: PASSWORD, ...more })
    .expect(200);
  return answer.body as Issued;
}

describe('logging in', () => {
  test('gives a token that says who one is', async () => {
    const { id, username } = await addClient({ roles: ['operator'] });

    const issued = await logIn(username.toUpperCase());

    const who = await api.as(issued.token, 'get', '/v1/auth').expect(200);
    expect(who.body).toMatchObject({ actor: `client:${username}`, client: { id, roles: ['operator'] }, user: null });
    expect(issued.token).toMatch(/^muster_[\w-]{43}$/);
    expect(Date.parse(issued.tokenData.expiresAt) - Date.parse(issued.tokenData.createdAt)).toBe(7_200_000);
  });

  test('the token stands nowhere, only its hash', async () => {
    const { username } = await addClient();
    const { token } = await logIn(username, { token: { title: 'laptop' } });

    const rows = await api.context.db.query<{ all: string }>(
      `select t::text || encode(hash, 'escape') as all from auth_tokens t`,
    );

    expect(rows.rows.map((row) => row.all).join()).not.toContain(token);
    expect(api.logged()).not.toContain(token);
    expect(api.logged()).not.toContain(PASSWORD);
  });

  test('wrong name and wrong password have the same answer', async () => {
    const { username } = await addClient();

    const wrong = await api.anonymous('post', '/v1/auth').send({ username, password: 'not that one' }).expect(401);
    const nobody = await api.anonymous('post', '/v1/auth').send({ username: 'nobody', password: PASSWORD }).expect(401);

    const { instance: _one, ...answer } = wrong.body as Readonly<Record<string, unknown>>;
    expect(nobody.body).toMatchObject(answer);
    expect(answer['type']).toBe('/problems/wrong-credentials');
  });

  test.each([
    [{}, '/username'],
    [{ username: 'ada' }, '/password'],
    [{ username: 'ada', password: 'x', extra: 1 }, '/extra'],
    [{ username: 'ada', password: 'x', provider: 'elsewhere' }, undefined],
    [{ username: 'ada', password: 'x', token: { lifeS: 0 } }, '/token/lifeS'],
    [{ username: 'ada', password: 'x', token: { lifeS: 315_360_001 } }, '/token/lifeS'],
  ])('what no provider takes answers 400: %j', async (body, pointer) => {
    const answer = await api.anonymous('post', '/v1/auth').send(body).expect(400);

    expect(answer.body.type).toBe('/problems/invalid-package');
    if (pointer !== undefined) expect(JSON.stringify(answer.body.errors)).toContain(`"${pointer}"`);
  });

  test('mistakes slow the next tries down, and the right password too', async () => {
    const { username } = await addClient();
    for (let mistake = 0; mistake < 5; mistake += 1)
      await api
        .anonymous('post', '/v1/auth')
        .send({ username, password: `wrong ${mistake}` })
        .expect(401);

    const throttled = await api.anonymous('post', '/v1/auth').send({ username, password: PASSWORD }).expect(429);

    expect(throttled.body.type).toBe('/problems/login-throttled');
    expect(Number(throttled.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    await api.context.db.query(`update login_attempts set blocked_until = clock_timestamp()`);
    await logIn(username);
    await logIn(username);
  });

  test('many guesses at once are not more than a few', async () => {
    const guesses = await Promise.all(
      Array.from({ length: 12 }, (_none, guess) =>
        api.anonymous('post', '/v1/auth').send({ username: 'guessed', password: `guess ${guess}` }),
      ),
    );

    const looked = guesses.filter(({ status }) => status === 401);
    expect(looked).toHaveLength(5);
    await api.context.db.query(`delete from login_attempts`);
  });

  test('there are only so many sessions, also of logins at once', async () => {
    const { id, username } = await addClient();

    const answers = await Promise.all(
      Array.from({ length: 7 }, () => api.anonymous('post', '/v1/auth').send({ username, password: PASSWORD })),
    );

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 429, 429, 429]);
    await api.call('delete', `/v1/auth/tokens/all?client=${id}`).expect(200, { ended: 4 });
    await logIn(username);
  });

  test('works while Temporal is away', async () => {
    const away = await createTestApi({ context: { db: api.context.db, temporalAnswers: async () => false } });
    const { username } = await addClient();

    await away.anonymous('post', '/v1/auth').send({ username, password: PASSWORD }).expect(200);
    await away.close();
  });

  test("the seed's path is the same", async () => {
    const { username } = await addClient();

    const answer = await api.anonymous('post', '/builtin/auth').send({ username, password: PASSWORD }).expect(200);
    const { token } = answer.body as Issued;

    await api.as(token, 'get', '/builtin/auth/clients').expect(200);
    await api.as(token, 'delete', '/builtin/auth').expect(204);
    await api.as(token, 'get', '/v1/auth').expect(401);
  });
});

describe('a token', () => {
  test('is checked by presenting it, with GET and HEAD, with and without a permission', async () => {
    const { token } = await testToken(api.context.identity, { acl: ['foo.#', '!foo.bar'] });

    await api.as(token, 'get', '/v1/auth/check').expect(204);
    await api.as(token, 'head', '/v1/auth/check?scope=foo.baz').expect(204);
    await api.as(token, 'get', '/v1/auth/check?scope=foo.bar').expect(403);
    await api.as('muster_unknown', 'head', '/v1/auth/check').expect(401);
    const many = await api.as(token, 'post', '/v1/auth/check').send({ scopes: ['foo.baz', 'foo.bar', 'foo'] });
    expect(many.body).toEqual({ scopes: { 'foo.baz': true, 'foo.bar': false, foo: false } });
  });

  test('expires when it should, without anybody who deletes it', async () => {
    const { token, tokenId } = await testToken(api.context.identity, { lifeS: 3_600 });
    await api.as(token, 'get', '/v1/auth').expect(200);

    await api.context.db.query(`update auth_tokens set expires_at = clock_timestamp() where id = $1`, [tokenId]);

    await api.as(token, 'get', '/v1/auth').expect(401);
    await api.call('get', `/v1/auth/tokens/${tokenId}`).expect(404);
    await api.call('post', '/v1/auth/tokens/cleanup').expect(204);
    const left = await api.context.db.query(`select from auth_tokens where id = $1`, [tokenId]);
    expect(left.rowCount).toBe(0);
  });

  test('may be for less than its client, and makes none for more', async () => {
    const { token, clientId } = await testToken(api.context.identity, { acl: ['foo.#', 'auth.self.#'] });
    const small = await api
      .as(token, 'post', '/v1/auth/tokens')
      .send({ acl: ['foo.bar', 'auth.self.#'] })
      .expect(201);
    const smaller = (small.body as Issued).token;

    await api.as(smaller, 'get', '/v1/auth/check?scope=foo.bar').expect(204);
    await api.as(smaller, 'get', '/v1/auth/check?scope=foo.baz').expect(403);
    const refused = await api
      .as(smaller, 'post', '/v1/auth/tokens')
      .send({ acl: ['foo.#'] })
      .expect(403);
    expect(refused.body.type).toBe('/problems/not-grantable');
    const heir = await api.as(smaller, 'post', '/v1/auth/tokens').send({}).expect(201);
    await api.as((heir.body as Issued).token, 'get', '/v1/auth/check?scope=foo.baz').expect(403);
    const tokens = await api.as(token, 'get', '/v1/auth/tokens').expect(200);
    expect(tokens.body.items).toHaveLength(3);
    await api.as(token, 'delete', '/v1/auth/tokens').expect(200, { ended: 3 });
    await api.call('get', `/v1/auth/tokens/all?client=${clientId}`).expect(200, { items: [] });
  });

  test('belongs to its owner: others neither see nor end it', async () => {
    const mine = await testToken(api.context.identity, { acl: ['auth.self.#'] });
    const other = await testToken(api.context.identity, { acl: ['auth.self.#'] });

    await api.as(mine.token, 'get', `/v1/auth/tokens/${mine.tokenId}`).expect(200);
    await api.as(mine.token, 'get', `/v1/auth/tokens/${other.tokenId}`).expect(403);
    await api.as(mine.token, 'delete', `/v1/auth/tokens/${other.tokenId}`).expect(403);
    await api.as(other.token, 'delete', `/v1/auth/tokens/${other.tokenId}`).expect(204);
    await api.as(other.token, 'get', '/v1/auth').expect(401);
  });

  test('is refreshed by its application, and ends with it', async () => {
    const { username } = await addClient();
    const first = await logIn(username, { token: { application: 'phone' } });
    const { refreshToken = '' } = first;
    const given = { refreshToken, application: 'phone' };

    const second = await api.anonymous('post', '/v1/auth/refresh').send(given).expect(200);
    await api
      .anonymous('post', '/v1/auth/refresh')
      .send({ ...given, application: 'other' })
      .expect(401);
    const { token } = second.body as Issued;
    const held = await api.as(token, 'get', '/v1/auth/applications').expect(200);
    expect(held.body.items).toMatchObject([{ application: 'phone' }]);

    await api.as(token, 'delete', '/v1/auth/applications/phone').expect(204);

    await api.as(token, 'get', '/v1/auth').expect(401);
    await api.as(first.token, 'get', '/v1/auth').expect(401);
    await api.anonymous('post', '/v1/auth/refresh').send(given).expect(401);
  });
});

describe('a client', () => {
  test('that is switched off, or removed, has no tokens from that moment on', async () => {
    const { id, username } = await addClient({ roles: ['admin'] });
    const session = await logIn(username, { token: { application: 'phone' } });
    const program = await api.as(session.token, 'post', '/v1/auth/tokens').send({ lifeS: 315_360_000 }).expect(201);

    await api.call('post', `/v1/auth/clients/${id}/disable`).expect(204);

    await api.as(session.token, 'get', '/v1/auth').expect(401);
    await api.as((program.body as Issued).token, 'get', '/v1/auth').expect(401);
    await api.anonymous('post', '/v1/auth').send({ username, password: PASSWORD }).expect(401);
    await api.call('post', `/v1/auth/clients/name:${username}/enable`).expect(204);
    await api.as(session.token, 'get', '/v1/auth').expect(401);
    const again = await logIn(username);
    await api.call('delete', `/v1/auth/clients/${id}`).expect(204);
    await api.as(again.token, 'get', '/v1/auth').expect(401);
    await api.anonymous('post', '/v1/auth').send({ username, password: PASSWORD }).expect(401);
  });

  test('changes its own password, which ends its sessions', async () => {
    const { username } = await addClient({ acl: ['auth.self.#'] });
    const { token } = await logIn(username);

    const wrong = { currentPassword: 'not that one', password: 'another password' };
    await api.as(token, 'post', '/v1/auth/clients').send(wrong).expect(401);
    await api
      .as(token, 'post', '/v1/auth/clients')
      .send({ ...wrong, currentPassword: PASSWORD })
      .expect(200);

    await api.as(token, 'get', '/v1/auth').expect(401);
    await api.anonymous('post', '/v1/auth').send({ username, password: PASSWORD }).expect(401);
    await api.anonymous('post', '/v1/auth').send({ username, password: 'another password' }).expect(200);
  });

  test('gets a first password by a link that is good once', async () => {
    const { username } = await addClient({ password: undefined });
    const link = await passwordLink(api.context.identity, username, 'invitation');
    const token = link?.token ?? '';

    await api.as(token, 'get', '/v1/auth').expect(401);
    await api.as(token, 'post', '/v1/auth/password').send({ password: PASSWORD }).expect(204);
    await api.as(token, 'post', '/v1/auth/password').send({ password: PASSWORD }).expect(401);

    await logIn(username);
    expect(await passwordLink(api.context.identity, 'nobody', 'reset')).toBeUndefined();
  });

  test('has a name of its own', async () => {
    const { username } = await addClient();

    const taken = { username: username.toUpperCase(), password: PASSWORD };
    const answer = await api.call('post', '/v1/auth/clients/create').send(taken).expect(409);

    expect(answer.body.type).toBe('/problems/already-exists');
  });

  test('cannot be made by just anybody, and registration is off', async () => {
    const { token } = await testToken(api.context.identity, { acl: ['auth.self.#'] });
    const body = { username: 'mallory', password: PASSWORD, roles: ['admin'] };

    await api.as(token, 'post', '/v1/auth/clients/create').send(body).expect(403);
    const off = await api
      .anonymous('post', '/v1/auth/clients/register')
      .send({ username: 'mallory', password: PASSWORD });
    expect([off.status, off.body.type]).toEqual([501, '/problems/not-offered']);
  });

  test('is linked to a person, and acts as them', async () => {
    const { id, username } = await addClient();
    const made = await api
      .call('post', '/v1/users')
      .send({ username: `person-${username}` })
      .expect(202);
    const { user } = made.body as { readonly user: { readonly id: string } };

    await api.call('put', `/v1/auth/clients/${id}/user`).send({ user: user.id }).expect(200);

    const { token } = await logIn(username);
    const who = await api.as(token, 'get', '/v1/auth').expect(200);
    expect(who.body).toMatchObject({ actor: `user:${user.id}`, user: user.id });
    await api.as(token, 'get', '/v1/users/me').expect(200);
  });
});
