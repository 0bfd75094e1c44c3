import { createHash, randomBytes } from 'node:crypto';
import { createUser } from '../../store/users';
import { ensureBuiltInStates } from '../../store/states';
import { createTestApi } from '../../test/environment/api';
import type { TestApi } from '../../test/environment/api';
import { Browser } from '../../test/fakes/oidc-provider/browser';
import { startOidcProvider } from '../../test/fakes/oidc-provider/oidc-provider';
import type { OidcProvider } from '../../test/fakes/oidc-provider/oidc-provider';
import { databaseDump, leaksIn } from '../../test/security/leaks';

const PUBLIC_URL = 'http://muster.test';
const SECRET = 'the-secret-of-the-client-muster';
let server: OidcProvider;
let api: TestApi;
beforeAll(async () => {
  server = await startOidcProvider({
    clients: [
      { client_id: 'muster', client_secret: SECRET, redirect_uris: [`${PUBLIC_URL}/v1/auth/oidc/campus/callback`] },
    ],
    people: { ada: { groups: ['staff', 'nobody-knows'] }, bob: { email: 'bob@example.org', email_verified: false } },
  });
  const roleMapping = { staff: 'admin' };
  const config = { issuer: server.issuer, clientId: 'muster', clientSecret: SECRET, roleMapping };
  api = await createTestApi({ auth: { providers: { campus: { kind: 'oidc', config } } } });
  await ensureBuiltInStates(api.context.db);
}, 60_000);
afterAll(async () => {
  await api.close();
  await server.stop();
});

/** Who begins a login knows the verifier; nobody else does. */
function newVerifier(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

async function start(challenge: string): Promise<string> {
  const begun = await api
    .anonymous('get', `/v1/auth/oidc/campus/start?returnTo=/console&challenge=${challenge}`)
    .expect(303);
  return begun.headers['location'] ?? '';
}

/** The whole way up to the login code. */
async function loginCode(login: string, challenge: string): Promise<string> {
  const back = await new Browser(login).consent(await start(challenge));
  const returned = await api.anonymous('get', back.href.slice(PUBLIC_URL.length)).expect(303);
  const [path, code = ''] = (returned.headers['location'] ?? '').split('#loginCode=');
  expect(path).toBe('/console');
  return code;
}

function redeem(code: string, verifier: string): ReturnType<TestApi['anonymous']> {
  return api.anonymous('post', '/v1/auth').send({ provider: 'campus', loginCode: code, loginVerifier: verifier });
}

describe('a login at an OpenID Connect server', () => {
  test('gives a token with the roles of the mapped groups, for the person with the verified address', async () => {
    const ada = await createUser(
      api.context.db,
      { username: 'ada.l', email: 'ada@example.org' },
      { actor: 'client:test' },
    );
    const { verifier, challenge } = newVerifier();

    const issued = await redeem(await loginCode('ada', challenge), verifier).expect(200);

    const { token } = issued.body as { readonly token: string };
    const caller = await api.as(token, 'get', '/v1/auth').expect(200);
    expect(caller.body).toMatchObject({ client: { name: 'ada', provider: 'campus' }, user: ada.record.id });
    // As administrator.
    await api.as(token, 'get', '/v1/users').expect(200);
  });

  test('never finds a person by an address that the server has not verified', async () => {
    await createUser(api.context.db, { username: 'bob', email: 'bob@example.org' }, { actor: 'client:test' });
    const { verifier, challenge } = newVerifier();

    const issued = await redeem(await loginCode('bob', challenge), verifier).expect(200);

    const { token } = issued.body as { readonly token: string };
    expect((await api.as(token, 'get', '/v1/auth').expect(200)).body).toMatchObject({ user: null });
    await api.as(token, 'get', '/v1/users').expect(403);
  });

  test('is redeemed once, and only by who began it', async () => {
    const { verifier, challenge } = newVerifier();
    const stolen = await loginCode('carl', challenge);

    await redeem(stolen, newVerifier().verifier).expect(401);
    await redeem(stolen, verifier).expect(401);

    const code = await loginCode('carl', challenge);
    await redeem(code, verifier).expect(200);
    await redeem(code, verifier).expect(401);
  });

  test('takes a state once, from its own provider, in time', async () => {
    const { challenge } = newVerifier();
    const used = (await new Browser('dora').consent(await start(challenge))).href.slice(PUBLIC_URL.length);
    await api.anonymous('get', used).expect(303);
    await api.anonymous('get', used).expect(400);

    const late = (await new Browser('dora').consent(await start(challenge))).href.slice(PUBLIC_URL.length);
    await api.context.db.query(`update oidc_logins set expires_at = clock_timestamp()`);
    await api.anonymous('get', late).expect(400);
    await api.anonymous('get', '/v1/auth/oidc/campus/callback?code=x&state=unknown').expect(400);
    expect((await api.context.db.query(`select from oidc_logins where not proven`)).rowCount).toBe(0);
  });

  test('that was declined says so, and one that does not hold says only that', async () => {
    const { challenge } = newVerifier();
    const declined = await new Browser('emil').consent(await start(challenge), 'decline');
    const back = await api.anonymous('get', declined.href.slice(PUBLIC_URL.length)).expect(303);
    expect(back.headers['location']).toBe('/console#loginError=declined');

    const wrong = await new Browser('emil').consent(await start(challenge));
    wrong.searchParams.set('code', 'another');
    const failed = await api.anonymous('get', wrong.href.slice(PUBLIC_URL.length)).expect(303);
    expect(failed.headers['location']).toBe('/console#loginError=failed');
  });

  test('leaves no secret in the database or the log', async () => {
    const { verifier, challenge } = newVerifier();
    const back = await new Browser('fritz').consent(await start(challenge));
    const returned = await api.anonymous('get', back.href.slice(PUBLIC_URL.length)).expect(303);
    const code = (returned.headers['location'] ?? '').split('=')[1] ?? '';

    const places = [...(await databaseDump(api.context.db)), { where: 'the log', text: api.logged() }];

    const canaries = {
      verifier,
      'login code': code,
      'authorization code': back.searchParams.get('code') ?? '',
      state: back.searchParams.get('state') ?? '',
      'client secret': SECRET,
    };
    expect(leaksIn(places, canaries)).toEqual([]);
    expect(leaksIn([{ where: 'here', text: code }], canaries)).toEqual(['login code in here']);
  });

  test('cannot be begun while the server is away, or for a page of another site', async () => {
    const { challenge } = newVerifier();
    await api.anonymous('get', `/v1/auth/oidc/campus/start?returnTo=//evil.test&challenge=${challenge}`).expect(400);
    await api.anonymous('get', `/v1/auth/oidc/local/start?returnTo=/&challenge=${challenge}`).expect(404);
    const listed = await api.anonymous('get', '/v1/auth/oidc').expect(200);
    expect(listed.body).toEqual({ items: [{ provider: 'campus', start: '/v1/auth/oidc/campus/start' }] });
  });

  test('is ended at the server too, for pages of this site only', async () => {
    const answer = await api.anonymous('get', '/v1/auth/oidc/campus/logout?returnTo=/console').expect(303);
    const url = new URL(String(answer.headers['location']));
    expect([url.origin, url.searchParams.get('client_id'), url.searchParams.get('post_logout_redirect_uri')]).toEqual([
      new URL(server.issuer).origin,
      'muster',
      `${PUBLIC_URL}/console`,
    ]);
    await api.anonymous('get', '/v1/auth/oidc/campus/logout?returnTo=//evil.test').expect(400);
  });
});
