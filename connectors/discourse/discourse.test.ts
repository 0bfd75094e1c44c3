import { Rejected } from '@muster/sdk';
import type {
  AccountRef,
  CallContext,
  HookHandler,
  HookRequest,
  HookUser,
  NewAccount,
  WorkflowPort,
} from '@muster/sdk';
import { open, sign } from './connect';
import { startFakeDiscourse } from './fake';
import type { FakeDiscourse } from './fake';
import { DiscourseHook } from './hook';
import { DiscourseManager } from './manager';
import { forumNames } from './names';
import type { DiscourseConfig } from './schema';

let fake: FakeDiscourse;
const managers: DiscourseManager[] = [];

beforeEach(async () => {
  fake = await startFakeDiscourse();
});

afterEach(async () => {
  await Promise.all(managers.splice(0).map((each) => each.close()));
  await fake.stop();
});

function call(): CallContext {
  return { signal: AbortSignal.timeout(10_000), timeoutMs: 10_000 };
}

function manager(config: Partial<DiscourseConfig> = {}): DiscourseManager {
  const { url, apiKey, connectSecret } = fake;
  const made = new DiscourseManager({ url, apiKey, connectSecret, ...config });
  managers.push(made);
  return made;
}

const ada: NewAccount = {
  key: { userId: 'u-ada', owner: 'test' },
  profile: { name: 'ada', nickname: 'Ada', displayName: 'Ada L', email: 'ada@example.org', attributes: {} },
};

function refOf({ id, username }: { readonly id: number; readonly username: string }): AccountRef {
  return { remoteId: String(id), name: username, key: ada.key };
}

describe('DiscourseConnect', () => {
  // The example of meta.discourse.org/t/13045. Its request ends with the line break of Ruby's encoder, which is signed too.
  const SECRET = 'd836444a9e4084d5b224a60c208dce14';
  const REQUEST = {
    sso: 'bm9uY2U9Y2I2ODI1MWVlZmI1MjExZTU4YzAwZmYxMzk1ZjBjMGI=\n',
    sig: '2828aa29899722b35a2f191d34ef9b3ce695e0e6eeec47deb46d588d70c7cb56',
  };

  test("the documentation's request is read", () => {
    expect(open(REQUEST, SECRET).get('nonce')).toBe('cb68251eefb5211e58c00ff1395f0c0b');
  });

  test("the documentation's answer is signed the same", () => {
    const payload = {
      nonce: 'cb68251eefb5211e58c00ff1395f0c0b',
      name: 'sam',
      username: 'samsam',
      email: 'test@test.com',
      external_id: 'hello123',
      avatar_url: undefined,
      require_activation: 'true',
    };

    expect(sign(payload, SECRET)).toEqual({
      sso: 'bm9uY2U9Y2I2ODI1MWVlZmI1MjExZTU4YzAwZmYxMzk1ZjBjMGImbmFtZT1zYW0mdXNlcm5hbWU9c2Ftc2FtJmVtYWlsPXRlc3QlNDB0ZXN0LmNvbSZleHRlcm5hbF9pZD1oZWxsbzEyMyZyZXF1aXJlX2FjdGl2YXRpb249dHJ1ZQ==',
      sig: '3d7e5ac755a87ae3ccf90272644ed2207984db03cf020377c8b92ff51be3abc3',
    });
  });

  test.each(['', 'zz', REQUEST.sig.replace('2', '3')])('the signature %j is refused', (sig) => {
    expect(() => open({ ...REQUEST, sig }, SECRET)).toThrow(expect.objectContaining({ code: 'signature' }));
  });
});

describe('the first login', () => {
  const person: HookUser = {
    id: 'u-ada',
    username: 'ada',
    displayName: 'Ada L',
    email: 'ada@example.org',
    active: true,
    state: 'Guest',
    attributes: {},
    groups: [],
  };
  const started: string[] = [];
  let entitled: boolean;

  /** Comes from the forum with what it sent, through hook and manager. */
  async function arrive(sent: { readonly sso: string; readonly sig: string }, user: HookUser | undefined = person) {
    const refuse = async (): Promise<never> => Promise.reject(new Error('not called'));
    const port: WorkflowPort = {
      start: async (reason, userId) => void started.push(`${reason} ${userId}`),
      bulk: refuse,
      remove: refuse,
      password: refuse,
      granted: async () => entitled,
      account: async () => ({ status: 'pending', name: null }),
    };
    const service = { name: 'forum', title: undefined, url: undefined, settings: {} };
    const hook = new DiscourseHook({ service, port, storage: { query: refuse } });
    const handlers = new Map<string, HookHandler>();
    const add = (path: string, handler: HookHandler): void => void handlers.set(path, handler);
    const router = { get: add, post: add, publicGet: refuse, publicPost: refuse };
    const ours = manager();
    hook.routes({ ...router, call: (action, input) => ours.callAction(action, input, call()) });
    const request: HookRequest = { method: 'GET', path: '/sso', params: {}, query: { ...sent }, body: undefined, user };
    return handlers.get('/sso')?.(request);
  }

  function fromForum(fields: Readonly<Record<string, string>> = {}) {
    return sign({ nonce: 'n1', return_sso_url: `${fake.url}/session/sso_login`, ...fields }, fake.connectSecret);
  }

  beforeEach(() => {
    entitled = true;
    started.length = 0;
  });

  test('until then a person must act, after it the account is found', async () => {
    const before = await manager().createAccount(ada, call());
    expect(before).toEqual({ outcome: 'action required', instruction: `Log in to the forum once: ${fake.url}` });

    await arrive(fromForum());

    expect(await manager().createAccount(ada, call())).toMatchObject({ outcome: 'already existed', name: 'ada' });
  });

  test('it makes the user, sends them back signed in and starts their groups', async () => {
    const answer = await arrive(fromForum());

    const location = new URL(answer?.headers?.['location'] ?? '');
    const [sso, sig] = [location.searchParams.get('sso') ?? '', location.searchParams.get('sig') ?? ''];
    expect([answer?.status, location.origin + location.pathname]).toEqual([302, `${fake.url}/session/sso_login`]);
    expect(Object.fromEntries(open({ sso, sig }, fake.connectSecret))).toEqual({
      nonce: 'n1',
      external_id: 'u-ada',
      email: 'ada@example.org',
      username: 'ada',
      name: 'Ada L',
    });
    expect([...fake.forum.users.values()].at(-1)).toMatchObject({ username: 'ada', externalId: 'u-ada' });
    expect(started).toEqual(['createAccount u-ada']);
  });

  test('a name that is taken does not keep anybody out', async () => {
    fake.forum.add({ username: 'ada' });

    const answer = await arrive(fromForum());

    const back = new URL(answer?.headers?.['location'] ?? '').searchParams;
    const told = open({ sso: back.get('sso') ?? '', sig: back.get('sig') ?? '' }, fake.connectSecret);
    expect([answer?.status, told.get('username')]).toEqual([302, 'ada1']);
  });

  test('who has no right, or was sent by somebody else, does not get in', async () => {
    const forged = sign({ nonce: 'n1' }, 'another secret');
    expect((await arrive(forged))?.status).toBe(403);
    expect((await arrive({ sso: '', sig: '' }))?.status).toBe(400);
    entitled = false;
    expect((await arrive(fromForum()))?.status).toBe(403);

    expect([...fake.forum.users.values()].filter(({ externalId }) => externalId !== null)).toEqual([]);
    expect(started).toEqual([]);
  });

  test('nobody is sent to another address than the forum', async () => {
    const elsewhere = fromForum({ return_sso_url: 'https://evil.example.org/session/sso_login' });

    await expect(arrive(elsewhere)).rejects.toMatchObject({ kind: 'misconfigured', code: 'return-url' });
  });

  test('an account with the same mail address is not taken over silently', async () => {
    const stranger = fake.forum.add({ username: 'stranger', email: 'ada@example.org' });
    const atOnce = { accounts: 'at once' } as const;

    await expect(manager(atOnce).createAccount(ada, call())).rejects.toMatchObject({ code: 'email-taken' });
    expect(stranger.externalId).toBeNull();
    await manager({ ...atOnce, adoptByEmail: true }).createAccount(ada, call());

    expect(stranger.externalId).toBe('u-ada');
  });

  test('nobody without a mail address gets an account', async () => {
    const without = { ...ada, profile: { ...ada.profile, email: null } };

    await expect(manager({ accounts: 'at once' }).createAccount(without, call())).rejects.toBeInstanceOf(Rejected);
  });
});

describe('removal', () => {
  test('logs out everywhere and keeps the posts, and the same person comes back to them', async () => {
    const user = fake.forum.add({ username: 'ada', externalId: 'u-ada', posts: 7 });

    expect(await manager().deleteAccount(refOf(user), call())).toBe('done');
    expect(await manager().findAccount(ada.key, call())).toBeUndefined();
    expect(user).toMatchObject({ logOuts: 1, suspension: { reason: 'Muster: no longer a member' } });
    await manager().createAccount(ada, call());

    expect(user.suspension).toBeNull();
  });

  test('a user who has written something cannot be deleted, but is logged out', async () => {
    const user = fake.forum.add({ username: 'ada', externalId: 'u-ada', posts: 7 });

    const removal = manager({ onRemoval: 'delete' }).deleteAccount(refOf(user), call());

    await expect(removal).rejects.toMatchObject({ kind: 'rejected' });
    expect(user.logOuts).toBe(1);
  });

  test('an anonymous user is nobody of ours any more', async () => {
    const user = fake.forum.add({ username: 'ada', externalId: 'u-ada' });

    await manager({ onRemoval: 'anonymize' }).deleteAccount(refOf(user), call());

    expect(user).toMatchObject({ externalId: null, username: `anon${user.id}` });
    expect(await manager().deleteAccount(refOf(user), call())).toBe('nothing there');
  });
});

describe('errors', () => {
  test.each([
    [
      'a sentence in the body',
      {
        body: { errors: ["You've performed this action too many times. Please wait 26 seconds before trying again."] },
      },
      26_000,
    ],
    [
      'extras.wait_seconds',
      { body: { errors: ['Slow down.'], error_type: 'rate_limit', extras: { wait_seconds: 17 } } },
      17_000,
    ],
    ['Retry-After', { headers: { 'retry-after': '9' } }, 9000],
  ])('how long to wait is read from %s', async (_where, answer, retryAfterMs) => {
    fake.answers.push({ status: 429, ...answer });

    await expect(manager().testConnection(call())).rejects.toMatchObject({ kind: 'throttled', retryAfterMs });
  });

  test('a 404 that is not of the forum makes nobody gone', async () => {
    const user = fake.forum.add({ username: 'ada', externalId: 'u-ada' });
    fake.answers.push({ status: 404 });

    await expect(manager().deleteAccount(refOf(user), call())).rejects.toMatchObject({ kind: 'misconfigured' });
  });

  test('a refused key is reported by the connection test', async () => {
    await expect(manager({ apiKey: 'wrong' }).testConnection(call())).resolves.toMatchObject({ ok: false });
    await expect(manager().testConnection(call())).resolves.toMatchObject({ ok: true });
    expect(fake.journal.at(-1)?.as).toBe('system');
  });
});

test('a group that was renamed while its answer was lost is found among all', async () => {
  const mark = '<!-- muster:a:b:group:k1 -->';
  for (const name of ['one', 'two', 'three']) fake.forum.addGroup(name);
  const ours = fake.forum.addGroup('old-name', `About us ${mark}`);

  const found = await manager().ensureGroup({ key: 'k1', owner: 'a:b', name: 'new-name' }, call());

  expect(found).toEqual({ outcome: 'already existed', remoteId: String(ours.id), name: 'new-name' });
  expect(ours.name).toBe('new-name');
});

test.each([
  ['Ada Lovelace', 'Ada_Lovelace'],
  ['a..b--c__', 'a_b-c'],
  ['Al', 'Al1'],
  ['-x-', 'x11'],
  ['名前', ''],
])('%j becomes %j', (name, cleaned) => {
  expect(forumNames.clean(name)).toBe(cleaned);
});
