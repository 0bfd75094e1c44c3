import type { ExternalDesk } from '../../auth/external/authorize';
import { freshCredential } from '../../auth/external/credential';
import { externalPlugins } from '../../auth/external/plugins';
import { ExternalTypePool } from '../../auth/external/type-pool';
import type { Database } from '../../store/database';
import type { LinkedAccount, LinkedCredential } from '../../sdk/index';
import { ServiceHook } from '../../sdk/index';
import type { HookContext, HookUser } from '../../sdk/index';
import { accountWhere, eventually, grantMembers } from '../engine/organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from '../engine/scripted-target';
import { Rejected } from '../../sdk/errors';
import { CLIENT, startLinking } from './linking';
import type { LinkingScene } from './linking';

/** Sees what hooks see of linked accounts. */
class AskingHook extends ServiceHook {
  static seen: (LinkedAccount | undefined)[] = [];

  override async updateProfile(user: HookUser): Promise<void> {
    AskingHook.seen.push(await this.context.port.linked(user.id, 'campus'));
    return super.updateProfile(user);
  }
}

const target = new ScriptedTarget();
let scene: LinkingScene;
beforeAll(async () => {
  const hook = (context: HookContext): ServiceHook => new AskingHook(context);
  const registry = registryOf(scriptedConnector(target, { hook }));
  // Tokens of 20 s are about to end from their first moment on: whoever asks gets them refreshed.
  scene = await startLinking({ registry, accessTokenSeconds: 20 });
  const service = await scene.engine.addService({ name: 'chat', connector: 'scripted' });
  await grantMembers(scene.engine, service.id);
}, 120_000);
afterAll(() => scene.close());
beforeEach(() => target.reset());

interface Credential {
  readonly data: { readonly accessToken: string; readonly refreshToken: string };
}

const refreshes = async (): Promise<number> =>
  (await scene.provider.grants()).filter((grant) => grant.startsWith('refresh_token')).length;

async function expiresSoon(username: string): Promise<void> {
  await scene.engine.db.query(
    `update external_accounts set expires_at = clock_timestamp() + interval '5 seconds'
     where user_id = (select id from users where username = $1)`,
    [username],
  );
}

/** What a worker process of its own has. */
function deskOn(db: Database): ExternalDesk {
  const { sealer, publicUrl, flowDeps } = scene.engine;
  const limits = { callTimeoutMs: 15_000, callsPerType: Infinity, random: Math.random };
  const context = { db, sealer, publicUrl, log: flowDeps.log, plugins: externalPlugins().plugins, ...limits };
  return { context, types: new ExternalTypePool(context) };
}

function withoutLease(db: Database): Database {
  const query: Database['query'] = (text, values) =>
    db.query(text.replace('(refreshing_until is null or refreshing_until <= clock_timestamp())', 'true'), values);
  return { query, transaction: (work) => db.transaction(work), close: async () => undefined };
}

describe('a credential that is about to end', () => {
  test('is refreshed once, however many ask at the same moment', async () => {
    await scene.person('ada');
    await scene.link('ada');
    const before = await refreshes();
    await scene.provider.delay(300);

    const answers = await Promise.all(Array.from({ length: 8 }, () => scene.credential('ada')));

    await scene.provider.delay(0);
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect((await refreshes()) - before).toBe(1);
    const tokens = new Set(answers.map((answer) => (answer.body as Credential).data.accessToken));
    expect(tokens.size).toBe(1);
    await expect(scene.provider.isActive([...tokens][0] ?? '', CLIENT)).resolves.toBe(true);
  });

  test('is refreshed once, however many processes ask; without the lease each of them would', async () => {
    const userId = await scene.person('adam');
    await scene.link('adam');
    const key = { userId, type: 'campus' };
    const { signal } = new AbortController();
    const askers = (db: Database): Promise<unknown>[] =>
      Array.from({ length: 4 }, () => freshCredential(deskOn(db), key, signal).catch(() => undefined));
    const { db } = scene.engine;
    await scene.provider.delay(300);
    const before = await refreshes();

    await Promise.all(askers(db));

    const between = await refreshes();
    expect(between - before).toBe(1);
    // The negative control: the same with a lease that everybody gets.
    await Promise.all(askers(withoutLease(db)));
    await scene.provider.delay(0);
    expect((await refreshes()) - between).toBeGreaterThan(1);
  });

  test('is given out as it is while the other side is away, as long as it is good', async () => {
    await scene.person('bob');
    await scene.link('bob');
    await scene.provider.away(true);

    const answer = await scene.credential('bob').expect(200);

    await scene.provider.away(false);
    expect((answer.body as Credential).data.accessToken).toEqual(expect.any(String));
    await scene.engine.db.query(`update external_accounts set expires_at = clock_timestamp() where broken is null`);
    await scene.provider.away(true);
    await scene.credential('bob').expect(502);
    await scene.provider.away(false);
    await scene.credential('bob').expect(200);
  });

  test('that the other side has revoked must be linked anew, and its person is told', async () => {
    const userId = await scene.person('carla');
    await scene.link('carla');
    const { data } = (await scene.credential('carla').expect(200)).body as Credential;
    await fetch(`${scene.provider.issuer}/token/revocation`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}` },
      body: new URLSearchParams({ token: data.refreshToken }),
    });
    await expiresSoon('carla');

    await scene.credential('carla').expect(409);

    const told = await scene.api.call('get', `/v1/notifications?recipient=${userId}`);
    expect(told.body).toMatchObject({ items: [{ title: 'Your campus account must be linked again' }] });
    await scene.link('carla');
    await scene.credential('carla').expect(200);
  });
});

describe('a service that needs a linked account', () => {
  test('gets it with a good token, and looks again when the person links one', async () => {
    const seen: (LinkedCredential | undefined)[] = [];
    target.script = async (call, context) => {
      if (call.method !== 'createAccount') return undefined;
      const linked = await context.linked?.(call.userId ?? '', 'campus');
      seen.push(linked);
      if (linked === undefined) throw new Rejected('the person has no campus account yet');
      return undefined;
    };
    const userId = await scene.person('dora');
    const serviceId = (await scene.engine.db.query<{ id: string }>(`select id from services`)).rows[0]?.id ?? '';
    await accountWhere(scene.engine, { serviceId, userId }, (account) => account.attention !== null);
    expect(seen.at(-1)).toBeUndefined();

    await scene.link('dora', 'dora.d');

    await accountWhere(scene.engine, { serviceId, userId }, (account) => account.status === 'active' && !account.due);
    const linked = seen.at(-1);
    expect(linked).toMatchObject({ remoteId: 'dora.d', remoteName: 'dora.d' });
    await expect(scene.provider.isActive(linked?.accessToken.reveal() ?? '', CLIENT)).resolves.toBe(true);
    expect(String(linked?.accessToken)).toBe('[secret]');
    await eventually('the hook has seen it too', async () =>
      AskingHook.seen.some((one) => one?.remoteId === 'dora.d' && !('accessToken' in one)),
    );
  });
});
