import supertest from 'supertest';
import { allPages } from '../../console/pages';
import { beginSession, visitor } from '../../console/session';
import { inProcessApi } from '../../api/in-process';
import { routes } from '../../api/routes/index';
import { findLiveToken } from '../../store/auth-tokens';
import { callerOf } from '../../auth/authenticator';
import { hashToken } from '../../auth/token-text';
import { createUser } from '../../store/users';
import { ensureBuiltInStates } from '../../store/states';
import { createTestApi } from '../environment/api';
import { testToken } from '../environment/identity';
import type { Test } from 'supertest';
import type { TestApi } from '../environment/api';

let api: TestApi;
let url: string;
/** The session of an ordinary person. */
let key: string;
let token: string;
let tokenId: string;
let userId: string;

beforeAll(async () => {
  api = await createTestApi();
  url = await api.listen();
  await ensureBuiltInStates(api.context.db);
  const written = await createUser(api.context.db, { username: 'ada', state: 'Member' }, { actor: 'client:test' });
  userId = written.record.id;
  ({ token, tokenId } = await testToken(api.context.identity, { userId }));
  key = await beginSession(api.context.db, { tokenId, browser: 'test' });
});
afterAll(() => api.close());

const pages = allPages({ authenticate: async () => undefined });

function asBrowser(method: 'get' | 'post', path: string, cookie = key): Test {
  const request = supertest(url)[method](path).set('Cookie', `muster=${cookie}`).set('Accept', 'text/html');
  return method === 'get'
    ? request
    : request
        .set('Sec-Fetch-Site', 'same-origin')
        .type('form')
        .send({ _form: visitor(cookie, undefined).formToken });
}

function filled(path: string): string {
  const values: Readonly<Record<string, string>> = { user: '0190aaaa-0000-7000-8000-000000000000' };
  return path.replace(
    /\{(\w+)\}/g,
    (_all, name: string) => values[name] ?? (/id$/i.test(name) ? (values['user'] ?? '') : 'x'),
  );
}

describe("a person's session", () => {
  test('reaches no operator page, walked by table', async () => {
    const operator = pages.filter(({ method, path }) => method === 'get' && /^\/operator(\/|$)/.test(path));
    const reached: string[] = [];
    for (const { path } of operator) {
      const { status } = await asBrowser('get', filled(path));
      if (status !== 403)
        reached.push(`${path} answered ${status}: give the page the route that it calls as \`needs\``);
    }

    expect(operator.length).toBeGreaterThan(20);
    expect(reached).toEqual([]);
  });

  test('alters nothing by any form of an operator, walked by table', async () => {
    const forms = pages.filter(({ method, path }) => method === 'post' && /^\/operator(\/|$)/.test(path));
    const before = [...api.told];
    const taken: string[] = [];
    for (const { path } of forms) {
      const { status } = await asBrowser('post', filled(path));
      if (status < 400 || status >= 500) taken.push(`${path} answered ${status}`);
    }

    expect(forms.length).toBeGreaterThan(20);
    expect(taken).toEqual([]);
    expect(api.told).toEqual(before);
    const acts = `select action from audit where outcome = 'done' and actor = 'user:' || $1`;
    expect((await api.context.db.query(acts, [userId])).rows).toEqual([]);
  });

  test('may call no route of the API but those about oneself, walked by table', async () => {
    const live = await findLiveToken(api.context.db, hashToken(token));
    if (live === undefined) throw new Error('the token has ended');
    const inProcess = inProcessApi({ routes, context: api.context });
    const foreign = routes.filter(
      ({ acl }) => !['public', 'authenticated'].includes(acl) && !/^auth\.self\./.test(acl),
    );
    const allowed: string[] = [];
    for (const { method, path, acl } of foreign) {
      const name = `${method.toUpperCase()} ${path}`;
      const params = Object.fromEntries(
        [...path.matchAll(/\{(\w+)\}/g)].map(([, one = '']) => [one, filled(`{${one}}`)]),
      );
      if (await inProcess.may(callerOf(live), name, params)) allowed.push(acl);
    }

    expect(allowed).toEqual(['self.menu.read']);
  });

  test('is worth nothing at the API itself, which takes tokens only', async () => {
    await supertest(url).get('/v1/users/me/services').set('Cookie', `muster=${key}`).expect(401);
  });

  test('ends with its token, at once', async () => {
    const other = await testToken(api.context.identity, { userId });
    const session = await beginSession(api.context.db, { tokenId: other.tokenId, browser: 'test' });
    await asBrowser('get', '/services', session).expect(200);

    await api.call('delete', `/v1/auth/tokens/${other.tokenId}`).expect(204);

    await asBrowser('get', '/services', session)
      .expect(303)
      .expect('Location', /^\/sign-in/);
  });

  test('that nobody used for two hours is over', async () => {
    const other = await testToken(api.context.identity, { userId });
    const session = await beginSession(api.context.db, { tokenId: other.tokenId, browser: 'test' });

    await api.context.db.query(
      `update console_sessions set seen_at = seen_at - interval '121 minutes' where token_id = $1`,
      [other.tokenId],
    );

    await asBrowser('get', '/services', session).expect(303);
  });
});

describe('a form', () => {
  test('of another site is refused, whatever token it has', async () => {
    const form = asBrowser('post', '/my/notifications/read').set('Sec-Fetch-Site', 'cross-site');

    await form.expect(403);
  });

  test('without the token of this browser is refused', async () => {
    const answer = supertest(url).post('/my/notifications/read').set('Cookie', `muster=${key}`);

    await answer.set('Sec-Fetch-Site', 'same-origin').type('form').send({ _form: 'x' }).expect(403);
  });

  test('of a browser that says nothing but Origin is judged by that', async () => {
    const from = (origin: string): Test =>
      supertest(url)
        .post('/my/notifications/read')
        .set('Cookie', `muster=${key}`)
        .set('Origin', origin)
        .type('form')
        .send({ _form: visitor(key, undefined).formToken });

    await from('http://evil.test').expect(403);
    await from(url).expect(303);
  });
});

describe('every page', () => {
  test('of those for a person answers, with a policy that lets in no foreign script', async () => {
    const own = pages.filter(({ method, path }) => method === 'get' && !/[{]|^\/operator|live|^\/start$/.test(path));
    for (const { path } of own) {
      const answer = await asBrowser('get', path);
      expect({ path, isAnswered: [200, 303].includes(answer.status) }).toEqual({ path, isAnswered: true });
      expect(answer.headers['content-security-policy']).toContain(
        "default-src 'none'; script-src 'self'; style-src 'self'",
      );
      expect(answer.headers['cache-control']).toBe('no-store');
    }
  });

  test('calls routes that there are', async () => {
    const names = new Set(routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`));
    const needed = pages.map(({ needs }) => needs).filter((needs) => !['anybody', 'signed in'].includes(needs));

    expect(needed.filter((name) => !names.has(name))).toEqual([]);
  });

  test('keeps the session in a cookie that only this host gets, over TLS', async () => {
    const answer = await supertest(url).get('/sign-in').set('X-Forwarded-Proto', 'https');

    expect(answer.headers['set-cookie']?.[0]).toMatch(
      /^__Host-muster=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
  });

  test('offers no sign-in where a session would travel in the open', async () => {
    const answer = await supertest(url).get('/sign-in').set('Host', 'muster.example:8080');

    expect(answer.text).toContain('without encryption');
    expect(answer.text).not.toContain('type="password"');
    const cookie = /muster=([\w-]{43})/.exec(answer.headers['set-cookie']?.[0] ?? '')?.[1] ?? '';
    const sent = await asBrowser('post', '/sign-in', cookie).set('Host', 'muster.example:8080');
    expect(sent.headers['set-cookie']).toBeUndefined();
  });
});
