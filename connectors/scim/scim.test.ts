import { Secret } from '@muster/sdk';
import type { AccountRef, CallContext, GroupRef, NewAccount } from '@muster/sdk';
import { startHttpProxy } from '@muster/sdk/conformance';
import type { HttpProxy } from '@muster/sdk/conformance';
import { describeWith } from '../../test/connectors/programs';
import { startScim2, startScimmy } from '../../test/connectors/scim-servers';
import type { ScimServer } from '../../test/connectors/scim-servers';
import { ScimManager } from './manager';
import { ScimConfig, ScimUser } from './schema';

const EMPTY = { totalResults: 0, Resources: [] };
const DEPARTMENT = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department';

function call(): CallContext {
  return { signal: AbortSignal.timeout(15_000), timeoutMs: 15_000 };
}

function person(name: string, attributes: NewAccount['profile']['attributes'] = {}): NewAccount {
  return {
    key: { userId: `id-${name}`, owner: 'test' },
    profile: { name, nickname: name, displayName: `D ${name}`, email: `${name}@example.org`, attributes },
  };
}

class Scene {
  readonly manager: ScimManager;

  constructor(
    readonly server: ScimServer,
    readonly proxy: HttpProxy,
    config: Partial<ScimConfig> = {},
  ) {
    this.manager = new ScimManager({ url: `${proxy.url}${server.path}`, token: server.token, ...config });
  }

  async create(account: NewAccount): Promise<AccountRef> {
    const made = await this.manager.createAccount(account, call());
    if (!('name' in made)) throw new Error(made.outcome);
    return { remoteId: made.remoteId, name: made.name, key: account.key };
  }

  async group(name: string): Promise<GroupRef> {
    const group = { key: `key-${name}`, owner: 'test', name };
    return { ...group, remoteId: (await this.manager.ensureGroup(group, call())).remoteId };
  }

  /** What the server itself says. */
  async ask(path: string): Promise<Record<string, unknown>> {
    const headers = { authorization: `Bearer ${this.server.token}` };
    const answer = await fetch(`${this.server.origin}${this.server.path}${path}`, { headers });
    return JSON.parse(await answer.text()) as Record<string, unknown>;
  }

  written(): readonly string[] {
    return this.proxy.journal.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);
  }
}

describeWith(['scim2-server'], 'with PATCH, bulk and ETags (scim2-server)', () => {
  let scene: Scene;
  beforeAll(async () => {
    const server = await startScim2();
    scene = new Scene(server, await startHttpProxy(server.origin), {
      membersPerRequest: 2,
      attributes: { [DEPARTMENT]: '{attributes.team}' },
    });
  });
  afterAll(async () => {
    await scene.manager.close();
    await scene.proxy.close();
    await scene.server.stop();
  });
  beforeEach(() => scene.proxy.forget());

  test('the connection test says what the server can do', async () => {
    await expect(scene.manager.testConnection(call())).resolves.toEqual({
      ok: true,
      missing: [],
      remote: 'SCIM 2.0 (PATCH, ETag, bulk, passwords)',
    });
  });

  test('only what differs is written, and attributes of an extension find their place', async () => {
    const account = person('ext', { team: 'Ops' });
    const ref = await scene.create(account);
    const moved = { ...account.profile, attributes: { team: 'Dev' } };

    expect(await scene.manager.updateAccount(ref, moved, call())).toBe('done');
    expect(await scene.manager.updateAccount(ref, moved, call())).toBe('unchanged');

    const patches = scene.proxy.journal
      .filter(({ method }) => method === 'PATCH')
      .map(({ body }): unknown => JSON.parse(body));
    expect(patches).toMatchObject([{ Operations: [{ op: 'replace', path: DEPARTMENT, value: 'Dev' }] }]);
    expect(await scene.ask(`/Users/${ref.remoteId}`)).toMatchObject({
      emails: [{ value: 'ext@example.org' }],
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Dev' },
    });
  });

  test('what is empty is unassigned', async () => {
    const account = person('empty', { team: 'Ops' });
    const ref = await scene.create(account);

    await scene.manager.updateAccount(ref, { ...account.profile, email: null, attributes: {} }, call());

    const seen = await scene.ask(`/Users/${ref.remoteId}`);
    expect(Object.keys(seen)).not.toContain('emails');
    expect(JSON.stringify(seen)).not.toContain('Ops');
  });

  test('a user that changed between reading and writing is tried again later', async () => {
    const ref = await scene.create(person('etag'));
    const version = (await scene.ask(`/Users/${ref.remoteId}`))['meta'] as { readonly version: string };
    const old = await scene.ask(`/Users/${ref.remoteId}`);
    await scene.manager.disableAccount(ref, call());
    scene.proxy.answerNext({ status: 200, body: old }, ({ path }) => path.endsWith(ref.remoteId));

    await expect(scene.manager.setNickname(ref, 'other', call())).rejects.toMatchObject({ kind: 'unavailable' });

    expect(scene.proxy.journal.at(-1)?.headers['if-match']).toBe(version.version);
    expect(await scene.ask(`/Users/${ref.remoteId}`)).toMatchObject({ active: false, nickName: 'etag' });
  });

  test('a 409 for an account of ours is adopted, for a stranger it is a conflict', async () => {
    const account = person('twice');
    const ref = await scene.create(account);
    const emptyOnce = (): void =>
      scene.proxy.answerNext({ status: 200, body: EMPTY }, ({ path }) => path.includes('externalId'));

    emptyOnce();
    await expect(scene.manager.createAccount(account, call())).resolves.toMatchObject({
      outcome: 'already existed',
      remoteId: ref.remoteId,
    });
    const stranger = { ...account, key: { ...account.key, userId: 'somebody else' } };
    await expect(scene.manager.createAccount(stranger, call())).rejects.toMatchObject({ kind: 'conflict' });
  });

  test('many members go in one bulk request, by chunks', async () => {
    const group = await scene.group('bulk');
    const crew = [];
    for (const name of ['b1', 'b2', 'b3', 'b4', 'b5']) crew.push(await scene.create(person(name)));
    scene.proxy.forget();

    await scene.manager.changeMembers(group, { add: crew, remove: [] }, call());
    await scene.manager.changeMembers(group, { add: crew, remove: [] }, call());
    const joined = await scene.ask(`/Groups/${group.remoteId}`);
    await scene.manager.changeMembers(group, { add: [], remove: crew.slice(0, 4) }, call());

    expect(scene.written()).toEqual(['POST /v2/Bulk', 'POST /v2/Bulk']);
    expect(joined['members']).toHaveLength(5);
    expect((await scene.ask(`/Groups/${group.remoteId}`))['members']).toEqual([
      expect.objectContaining({ value: crew[4]?.remoteId }),
    ]);
  });

  test('a failed operation of a bulk request is not taken for done', async () => {
    const group = await scene.group('bulk-fails');
    const crew = [await scene.create(person('f1')), await scene.create(person('f2')), await scene.create(person('f3'))];
    const operations = [{ status: '204' }, { status: '404' }];
    scene.proxy.answerNext({ status: 200, body: { Operations: operations } }, ({ path }) => path.endsWith('/Bulk'));

    const changing = scene.manager.changeMembers(group, { add: crew, remove: [] }, call());

    await expect(changing).rejects.toMatchObject({ kind: 'gone', what: 'group' });
  });

  test('two changes of one group at once are both kept', async () => {
    const group = await scene.group('race');
    const [one, two] = [await scene.create(person('r1')), await scene.create(person('r2'))];

    await Promise.all(
      [one, two].map((each) => scene.manager.changeMembers(group, { add: [each], remove: [] }, call())),
    );

    expect((await scene.ask(`/Groups/${group.remoteId}`))['members']).toHaveLength(2);
  });

  test.each([
    [
      { status: 429, headers: { 'retry-after': '7' } },
      { kind: 'throttled', retryAfterMs: 7000 },
    ],
    [{ status: 400, body: { scimType: 'uniqueness' } }, { kind: 'conflict' }],
    [
      { status: 400, body: { scimType: 'invalidValue', detail: 'ada@example.org' } },
      { kind: 'rejected', code: 'scim-invalidValue' },
    ],
    [{ status: 401 }, { kind: 'misconfigured' }],
    [{ status: 501 }, { kind: 'misconfigured' }],
    [{ status: 500 }, { kind: 'unavailable' }],
  ])('an answer of %j to a write becomes %j', async (answer, error) => {
    const ref = await scene.create(person('failing'));
    scene.proxy.answerNext(answer, ({ method }) => method === 'PATCH');

    await expect(scene.manager.setPassword(ref, new Secret('x'), call())).rejects.toMatchObject(error);
  });

  test('a server that ignores filters stops everything before anybody is made twice', async () => {
    const ref = await scene.create(person('first'));
    const everybody = { totalResults: 1, Resources: [await scene.ask(`/Users/${ref.remoteId}`)] };
    scene.proxy.answerNext({ status: 200, body: everybody });

    await expect(scene.manager.createAccount(person('second'), call())).rejects.toMatchObject({
      code: 'filter-ignored',
    });

    expect(scene.written().filter((line) => line.startsWith('POST'))).toHaveLength(1);
  });

  test('a group whose members are not shown still loses who leaves', async () => {
    const group = await scene.group('blind');
    const ref = await scene.create(person('blind'));
    await scene.manager.changeMembers(group, { add: [ref], remove: [] }, call());
    const { members: _members, ...blind } = await scene.ask(`/Groups/${group.remoteId}`);
    scene.proxy.answerNext({ status: 200, body: blind }, ({ path }) => path.endsWith(group.remoteId));

    await scene.manager.changeMembers(group, { add: [], remove: [ref] }, call());

    expect((await scene.ask(`/Groups/${group.remoteId}`))['members'] ?? []).toEqual([]);
  });
});

describe('a server that cannot PATCH (SCIMMY)', () => {
  let scene: Scene;
  beforeAll(async () => {
    const server = await startScimmy({ patch: false, changePassword: false });
    scene = new Scene(server, await startHttpProxy(server.origin), {
      attributes: { 'name.givenName': '{attributes.first}' },
    });
  });
  afterAll(async () => {
    await scene.manager.close();
    await scene.proxy.close();
    await scene.server.stop();
  });
  beforeEach(() => scene.proxy.forget());

  test('the whole user is sent back, with what others wrote into it', async () => {
    const account = person('put', { first: 'Ada' });
    const ref = await scene.create(account);
    await scene.manager.updateAccount(ref, { ...account.profile, nickname: 'New' }, call());

    expect(scene.written()).toEqual(['POST /scim/Users', `PUT /scim/Users/${ref.remoteId}`]);
    expect(await scene.ask(`/Users/${ref.remoteId}`)).toMatchObject({
      nickName: 'New',
      name: { givenName: 'Ada' },
      externalId: 'muster:test:user:id-put',
    });
  });

  test('members are written as a whole list', async () => {
    const group = await scene.group('list');
    const [one, two] = [await scene.create(person('l1')), await scene.create(person('l2'))];
    scene.proxy.forget();

    await scene.manager.changeMembers(group, { add: [one, two], remove: [] }, call());
    await scene.manager.changeMembers(group, { add: [], remove: [one] }, call());

    expect(new Set(scene.written())).toEqual(new Set([`PUT /scim/Groups/${group.remoteId}`]));
    expect((await scene.ask(`/Groups/${group.remoteId}`))['members']).toEqual([
      expect.objectContaining({ value: two.remoteId }),
    ]);
  });

  test('a password that the server does not take is refused without a call', async () => {
    const ref = await scene.create(person('nopass'));
    scene.proxy.forget();

    await expect(scene.manager.setPassword(ref, new Secret('x'), call())).rejects.toMatchObject({
      code: 'no-passwords',
    });

    expect(scene.written()).toEqual([]);
  });
});

test('what servers write against the standard is understood', () => {
  expect(ScimUser.parse({ id: 7, userName: 'ada', active: 'False' })).toMatchObject({ id: '7', active: false });
});

test.each([{}, { token: 'a', user: 'b', password: 'c' }, { user: 'b' }, { attributes: { title: '{unknown}' } }])(
  'the configuration %j is judged by what it says of credentials',
  (config) => {
    const isFine = Object.keys(config).length === 0;
    expect(ScimConfig.safeParse({ url: 'https://example.org/scim', ...config }).success).toBe(isFine);
  },
);
