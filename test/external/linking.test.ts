import { databaseDump, histories, leaksIn } from '../security/leaks';
import { eventually } from '../engine/organisation';
import { Browser } from '../fakes/oidc-provider/browser';
import { CLIENT, startLinking } from './linking';
import type { LinkingScene } from './linking';

let scene: LinkingScene;
beforeAll(async () => {
  scene = await startLinking();
}, 120_000);
afterAll(() => scene.close());

interface Credential {
  readonly data: { readonly accessToken: string; readonly refreshToken: string; readonly remoteId: string };
}

describe('a linked account', () => {
  test('is authorized at a real OpenID Connect server, stored sealed, shown safely and revoked', async () => {
    await scene.person('ada');
    const url = await scene.begin('ada');
    expect(new URL(url).searchParams.get('code_challenge_method')).toBe('S256');
    const back = await new Browser('ada.l').consent(url);

    const page = await scene.comeBack(back).expect(200);

    expect(page.text).toContain('ada.l at campus now belongs to ada (ada)');
    const read = await scene.credential('ada').expect(200);
    const { data } = read.body as Credential;
    expect(data).toMatchObject({ remoteId: 'ada.l', remoteName: 'ada.l', accessToken: expect.any(String) });
    await expect(scene.provider.isActive(data.accessToken, CLIENT)).resolves.toBe(true);
    const listed = await scene.api.call('get', '/v1/users/username:ada/external').expect(200);
    expect(listed.body).toMatchObject({ items: [{ type: 'campus', linked: true, problem: null }] });
    expect((listed.body as { items: { data: unknown }[] }).items[0]?.data).toEqual({
      remoteId: 'ada.l',
      remoteName: 'ada.l',
      scopes: expect.any(Array),
    });
    const again = await scene.api.call('post', '/v1/users/username:ada/external/campus').expect(409);
    expect(again.body).toMatchObject({ type: '/problems/already-exists' });

    await scene.api.call('delete', '/v1/users/username:ada/external/campus').expect(204);

    await scene.credential('ada').expect(404);
    await eventually('the right is revoked', async () => !(await scene.provider.isActive(data.refreshToken, CLIENT)));
    await eventually(
      'nothing is left to revoke',
      async () => (await scene.engine.db.query(`select from external_revocations`)).rowCount === 0,
    );
    const secrets = { token: data.accessToken, refresh: data.refreshToken, client: CLIENT.secret };
    const code = back.searchParams.get('code') ?? '';
    const places = [
      ...(await databaseDump(scene.engine.db)),
      ...(await histories(scene.engine)),
      { where: 'the log', text: scene.engine.log.join('\n') },
    ];
    expect(leaksIn(places, { ...secrets, code, state: back.searchParams.get('state') ?? '' })).toEqual([]);
  });

  test('goes with its person, and is revoked then too', async () => {
    await scene.person('bob');
    await scene.link('bob');
    const { data } = (await scene.credential('bob').expect(200)).body as Credential;

    await scene.api.call('delete', '/v1/users/username:bob').set('Prefer', 'wait=20');

    await scene.engine.flowDeps.starter.sweepNow();
    await eventually('the right is revoked', async () => !(await scene.provider.isActive(data.refreshToken, CLIENT)));
  });
});

describe('a redirect', () => {
  test('with a used state changes nothing', async () => {
    await scene.person('carl');
    const back = await new Browser('carl').consent(await scene.begin('carl'));
    await scene.comeBack(back).expect(200);
    const before = (await scene.credential('carl')).body as Credential;

    await scene.comeBack(back).expect(400);

    expect((await scene.credential('carl')).body).toEqual(before);
  });

  test('with the state of another type, or an unknown one, changes nothing', async () => {
    await scene.person('dora');
    const back = await new Browser('dora').consent(await scene.begin('dora'));
    await scene.api
      .call('put', '/v1/external/other/config')
      .send({ plugin: 'github', config: { clientId: 'c', clientSecret: 's' } })
      .expect(200);

    const elsewhere = new URL(back.href.replace('/campus/', '/other/'));
    const unknown = new URL(back);
    unknown.searchParams.set('state', 'x'.repeat(43));
    await scene.comeBack(elsewhere).expect(400);
    await scene.comeBack(unknown).expect(400);

    await scene.credential('dora').expect(404);
    await scene.comeBack(back).expect(200);
  });

  test('of an authorization that has expired, or that a newer one has replaced, changes nothing', async () => {
    await scene.person('emil');
    const first = await new Browser('emil').consent(await scene.begin('emil'));
    const second = await new Browser('emil').consent(await scene.begin('emil'));
    await scene.engine.db.query(
      `update external_authorizations set expires_at = clock_timestamp() where status = 'pending'`,
    );

    await scene.comeBack(first).expect(400);
    await scene.comeBack(second).expect(400);

    await scene.credential('emil').expect(404);
    await scene.engine.flowDeps.starter.sweepNow();
    await eventually('the row has ended', async () => {
      const open = await scene.engine.db.query(`select from external_authorizations where finished_at is null`);
      return open.rowCount === 0;
    });
  });

  test('from another browser than the one that began changes nothing', async () => {
    await scene.person('fritz');
    const begun = await scene.api
      .call('post', '/v1/users/username:fritz/external/campus')
      .set('Sec-Fetch-Site', 'same-origin')
      .expect(201);
    const cookie = String(begun.headers['set-cookie']).split(';')[0] ?? '';
    const { authorizationUrl } = begun.body as { readonly authorizationUrl: string };
    const back = await new Browser('victim').consent(authorizationUrl);

    await scene.comeBack(back).expect(400);
    await scene
      .comeBack(back)
      .set('Cookie', 'muster_link=' + 'A'.repeat(43))
      .expect(400);
    await scene.credential('fritz').expect(404);

    await scene.comeBack(back).set('Cookie', cookie).expect(200);
  });

  test('that says no links nothing, and says why', async () => {
    await scene.person('gerda');
    const back = await new Browser('gerda').consent(await scene.begin('gerda'), 'decline');

    const page = await scene.comeBack(back).expect(502);

    expect(page.text).toContain('the person has declined');
    await scene.credential('gerda').expect(404);
  });

  test('leads back to where the person began, on this site only', async () => {
    await scene.person('hans');
    const path = '/v1/users/username:hans/external/campus';
    await scene.api.call('post', `${path}?returnTo=${encodeURIComponent('//evil.test')}`).expect(400);
    const begun = await scene.api.call('post', `${path}?returnTo=/services`).expect(201);
    const { authorizationUrl } = begun.body as { readonly authorizationUrl: string };

    const page = await scene.comeBack(await new Browser('hans').consent(authorizationUrl)).expect(303);

    expect(page.headers['location']).toMatch(/^\/services\?authorization=[\w-]{36}&status=completed$/);
  });
});

describe('while the other side is away', () => {
  test('an exchange is tried again until it answers', async () => {
    await scene.person('ida');
    const back = await new Browser('ida').consent(await scene.begin('ida'));
    await scene.provider.away(true);
    const page = scene.comeBack(back).then((answer) => answer.status);
    await eventually('a try has failed', async () => {
      const tried = await scene.engine.db.query(
        `select from external_authorizations where attempts > 0 and finished_at is null`,
      );
      return tried.rowCount === 1;
    });
    await scene.provider.away(false);

    expect([200, 202]).toContain(await page);
    await eventually('it is linked', async () => (await scene.credential('ida')).status === 200);
  });
});
