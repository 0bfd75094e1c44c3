import supertest from 'supertest';
import { beginSession, newKey, visitor } from '../../console/session';
import { ensureBuiltInStates } from '../../store/states';
import { createTestApi } from '../environment/api';
import { testToken } from '../environment/identity';
import type { Test } from 'supertest';
import type { TestApi } from '../environment/api';

let api: TestApi;
let url: string;
/** The session of an administrator. */
let key: string;

beforeAll(async () => {
  api = await createTestApi();
  url = await api.listen();
  await ensureBuiltInStates(api.context.db);
  await api.context.db.query(`insert into services (id, name, connector) values (gen_random_uuid(), 'wiki', 'wiki')`);
  const { tokenId } = await testToken(api.context.identity, { acl: ['#'] });
  key = await beginSession(api.context.db, { tokenId, browser: 'test' });
});
afterAll(() => api.close());

interface Sending {
  /** The page that the form stands on. */
  readonly page: string;
  readonly to: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Sends a form as a browser does. */
function send({ page, to, fields }: Sending, cookie = key): Test {
  return supertest(url)
    .post(to)
    .set({ Cookie: `muster=${cookie}`, Accept: 'text/html', 'Sec-Fetch-Site': 'same-origin' })
    .type('form')
    .send({ _form: visitor(cookie, undefined).formToken, _page: page, ...fields });
}

const GRANT = { page: '/operator/grants?service=wiki&said=started', to: '/operator/grants' };
const FIELDS = { to: 'no-such-service', kind: 'user', subject: 'ada "the first"' };

describe('a form that fails', () => {
  test('is shown again on its page with what was typed, what is wrong, and the status of the refusal', async () => {
    const { text, status } = await send({ ...GRANT, fields: FIELDS });

    expect(status).toBe(404);
    expect(text).toContain('<h1>Grants</h1>');
    expect(text).toMatch(/<div class="error" role="alert"[^>]*>\s*<p>[^<]*no-such-service/);
    expect(text).toContain('value="no-such-service"');
    expect(text).toContain('value="ada &quot;the first&quot;"');
    expect(text).toMatch(/<option value="user" selected/);
  });

  test('has the address of its page, without what was said there before, and can be sent again', async () => {
    const { text } = await send({ ...GRANT, fields: FIELDS });

    expect(text).toContain('data-page="/operator/grants?service=wiki"');
    expect(text).toContain('name="_page" value="/operator/grants?service=wiki"');
    expect(text).toContain('aria-current="page"');
    expect(text).not.toContain('Started.');
  });

  test('says what is wrong at the field, and sends no password back', async () => {
    const secret = 'p-canary';
    const fields = { token: api.token, username: 'no spaces here', password: secret };
    const cookie = newKey();
    const { text, status } = await send(
      { page: '/start', to: '/start', fields: { ...fields, password: 'short' } },
      cookie,
    );
    const wrong = await send({ page: '/start', to: '/start', fields: { ...fields, token: secret } }, cookie);

    expect(status).toBe(400);
    expect(text).toMatch(/id="field-password"[^>]*aria-invalid="true"/);
    expect(text).toContain('must have at least 8 characters');
    expect(text).toContain('value="no spaces here"');
    expect(text).not.toContain('value="short"');
    expect(wrong.status).toBe(401);
    expect(wrong.text).toMatch(/id="field-token"[^>]*aria-invalid="true"/);
    expect(wrong.text).not.toContain(secret);
  });

  test('of a button is its page with the problem above', async () => {
    const nobody = '0190aaaa-0000-7000-8000-000000000000';
    const { text, status } = await send({
      page: '/operator/grants',
      to: `/operator/grants/${nobody}/delete`,
      fields: {},
    });

    expect(status).toBe(404);
    expect(text).toContain('<h1>Grants</h1>');
    expect(text).toContain('role="alert"');
  });

  test.each(['', '/nowhere', '//evil.test/', 'https://evil.test/', '/operator/people/x', '/operator/live'])(
    'from the page %j, which cannot be shown, has a page of its own',
    async (page) => {
      const { text, status } = await send({ page, to: '/operator/grants', fields: FIELDS });

      expect(status).toBe(404);
      expect(text).toContain('<h1>Not found</h1>');
      expect(text).not.toContain('evil');
    },
  );

  test('shows nobody a page that they may not see', async () => {
    const { tokenId } = await testToken(api.context.identity, {});
    const session = await beginSession(api.context.db, { tokenId, browser: 'test' });
    const { text, status } = await send(
      { page: '/operator/grants', to: '/my/sign-in/tokens/x/end', fields: {} },
      session,
    );

    expect(status).toBeGreaterThanOrEqual(400);
    expect(text).not.toContain('Grants');
  });

  test('fills in nothing that another site sent', async () => {
    const answer = send({ ...GRANT, fields: FIELDS }).set('Sec-Fetch-Site', 'cross-site');

    expect((await answer.expect(403)).text).not.toContain('no-such-service');
  });

  test('and is too large to be read is shown again where the browser says that it stands', async () => {
    const fields = { ...FIELDS, subject: 'x'.repeat(250_000) };
    const { text, status } = await send({ ...GRANT, fields }).set('Referer', `${url}/operator/grants?service=wiki`);
    const elsewhere = await send({ ...GRANT, fields }).set('Referer', 'https://evil.test/operator/grants');

    expect(status).toBe(413);
    expect(text).toContain('<h1>Grants</h1>');
    expect(text).toMatch(
      /<div class="error" role="alert"[^>]*>\s*<p>What you sent is too large: it can be 200 kB at most/,
    );
    expect(text).toContain('data-page="/operator/grants?service=wiki"');
    expect(elsewhere.status).toBe(413);
    expect(elsewhere.text).toContain('<h1>That did not work</h1>');
  });

  test('is put by htmx in the place of the page; a part that is refused leaves its element there', async () => {
    const { headers } = await send({ ...GRANT, fields: FIELDS }).set('HX-Request', 'true');
    const part = await supertest(url)
      .get('/operator/people?cursor=broken')
      .set({ Cookie: `muster=${key}`, Accept: 'text/html', 'HX-Request': 'true' });

    expect(headers).toMatchObject({ 'hx-retarget': '#content', 'hx-reselect': '#content', 'hx-reswap': 'outerHTML' });
    expect(part.status).toBe(400);
    expect(part.headers['hx-reswap']).toBe('innerHTML');
    expect(part.text).toMatch(/^<div class="error" role="alert"/);
  });
});

describe('what the API says to a browser that comes back from another side', () => {
  const BACK = '/v1/external/campus/callback?code=c-canary&state=old';

  test('stands in the frame of whoever is signed in, without what was sent along', async () => {
    const { text, headers } = await supertest(url)
      .get(BACK)
      .set({ Cookie: `muster=${key}`, Accept: 'text/html' })
      .expect(400);

    expect(text).toContain('<h1>This link is not valid</h1>');
    expect(text).toContain('aria-label="Main menu"');
    expect(text).not.toContain('c-canary');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  });

  test('is a page without a menu for a stranger, and a bare one for a program', async () => {
    const stranger = await supertest(url).get(BACK).set('Accept', 'text/html').expect(400);
    const program = await supertest(url).get(BACK).set('Accept', '*/*').expect(400);

    expect(stranger.text).toContain('<h1>This link is not valid</h1>');
    expect(stranger.text).not.toContain('aria-label="Main menu"');
    expect(program.text).toContain('<h1>This link is not valid</h1>');
    expect(program.text).not.toContain('<script');
  });
});
