import { Secret } from '@muster/sdk';
import type { AccountRef, CallContext, GroupRef, NewAccount } from '@muster/sdk';
import { describeConnector, startHttpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, FarSide, HttpProxy, SeenAccount, SeenGroup } from '@muster/sdk/conformance';
import { connector } from '.';
import { describeWith, until } from '../../test/connectors/programs';
import { SYNAPSE_PROGRAM, startSynapse } from '../../test/connectors/synapse-server';
import type { SynapseServer } from '../../test/connectors/synapse-server';
import { MatrixManager } from './manager';
import { localparts } from './names';
import type { MatrixConfig } from './schema';

const WHOAMI = '/_matrix/client/v3/account/whoami';
const WITHOUT = {
  'someone new with the old name gets a new account': 'a user id is never free again: it is a conflict',
  'a group name taken by a foreigner is a conflict': 'any number of rooms may have the same name',
};

describeWith([SYNAPSE_PROGRAM], 'on Synapse', () => {
  let server: SynapseServer;
  let proxy: HttpProxy;
  beforeAll(async () => {
    server = await startSynapse();
    proxy = await startHttpProxy(server.url);
  });
  afterAll(async () => {
    await proxy?.close();
    await server?.stop();
  });

  describeConnector({ connector, transport: 'http', start: async () => targetOf(server), without: WITHOUT });

  describe('what is Matrix', () => {
    let manager: MatrixManager;
    const using = (config: Partial<MatrixConfig> = {}): MatrixManager =>
      new MatrixManager({ url: proxy.url, token: server.adminToken, ...config });
    const create = async (account: NewAccount): Promise<AccountRef> => {
      const made = await manager.createAccount(account, call());
      return {
        remoteId: `@${account.profile.name}:test.local`,
        name: account.profile.name,
        key: { ...account.key, ...made },
      };
    };
    const room = async (key: string): Promise<GroupRef> => {
      const group = { key, owner: 'a:b.c', name: 'Crew' };
      return { ...group, remoteId: (await manager.ensureGroup(group, call())).remoteId };
    };
    beforeEach(() => {
      manager = using();
      proxy.forget();
    });
    afterEach(() => manager.close());

    test("Synapse's own 429 says how long, in milliseconds", async () => {
      const ref = await room('limited');
      const limit = `/_synapse/admin/v1/users/${encodeURIComponent(server.adminId)}/override_ratelimit`;
      await server.ask('POST', limit, { messages_per_second: 1, burst_count: 1 });

      const renames = await Promise.allSettled(
        [1, 2, 3].map((each) => manager.renameGroup(ref, `Crew ${each}`, call())),
      );
      await server.ask('DELETE', limit);

      const refused = renames.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
      expect(refused[0]).toMatchObject({ kind: 'throttled', scope: 'route' });
      expect(refused[0]).toHaveProperty('retryAfterMs', expect.any(Number));
      expect((refused[0] as { retryAfterMs: number }).retryAfterMs).toBeLessThan(3000);
    });

    test('the name of somebody who is gone stays taken, and they get it back themselves', async () => {
      const ada = person('ada.returns', 'u1');
      const ref = await create(ada);
      await manager.setPassword(ref, new Secret('first-password'), call());
      await manager.deleteAccount(ref, call());

      await expect(manager.createAccount(person('ada.returns', 'u2'), call())).rejects.toMatchObject({
        kind: 'conflict',
      });
      expect(await manager.findAccount(ada.key, call())).toBeUndefined();
      // A fresh Synapse with SQLite answers 500 here until it has built its indexes.
      await until(async () => (await manager.createAccount(ada, call())).outcome === 'already existed');

      expect(await manager.findAccount(ada.key, call())).toMatchObject({ remoteId: ref.remoteId, enabled: true });
      expect(await login(server, 'ada.returns', 'first-password')).toBeUndefined();
    });

    test('deactivation ends the sessions and leaves the rooms', async () => {
      const ref = await create(person('leaver', 'u3'));
      const group = await room('left');
      await manager.setGroups(ref, { wanted: [group], managed: [group] }, call());
      await manager.setPassword(ref, new Secret('a-password'), call());
      const token = await login(server, 'leaver', 'a-password');

      await manager.deleteAccount(ref, call());

      expect((await server.as(token)('GET', WHOAMI)).status).toBe(401);
      // Synapse leaves the rooms in the background.
      await until(async () => (await membersOf(server, group.remoteId)).join() === server.adminId);
    });

    test('a locked account can do nothing until it is enabled again', async () => {
      const ref = await create(person('locked', 'u4'));
      await manager.setPassword(ref, new Secret('a-password'), call());
      const token = await login(server, 'locked', 'a-password');

      await manager.disableAccount(ref, call());
      expect((await server.as(token)('GET', WHOAMI)).status).toBe(401);
      await manager.enableAccount(ref, call());

      expect((await server.as(token)('GET', WHOAMI)).status).toBe(200);
    });

    test('ending sessions logs every device out', async () => {
      const ref = await create(person('devices', 'u5'));
      await manager.setPassword(ref, new Secret('a-password'), call());
      const token = await login(server, 'devices', 'a-password');

      expect(await manager.endSessions(ref, call())).toBe('done');
      expect(await manager.endSessions(ref, call())).toBe('nothing there');

      expect((await server.as(token)('GET', WHOAMI)).status).toBe(401);
    });

    test('a display name is set, and is the name where there is none', async () => {
      const ref = await create(person('shown', 'u6'));
      const shown = async (): Promise<unknown> =>
        ((await server.ask('GET', `/_synapse/admin/v2/users/${ref.remoteId}`)).body as { displayname: string })
          .displayname;

      expect(await manager.setNickname(ref, 'Ada the First', call())).toBe('done');
      expect(await shown()).toBe('Ada the First');
      expect(await manager.setNickname(ref, 'Ada the First', call())).toBe('unchanged');
      await manager.setNickname(ref, ' ', call());
      expect(await shown()).toBe('shown');
    });

    test('groups can be spaces, and are made once by their alias', async () => {
      const spaces = using({ groupsAre: 'space' });
      const group = { key: 'k-space', owner: 'a:b.c', name: 'Space' };
      const [one, two] = await Promise.all([spaces.ensureGroup(group, call()), spaces.ensureGroup(group, call())]);
      await spaces.close();

      expect(one.remoteId).toBe(two.remoteId);
      const { body } = await server.ask('GET', `/_synapse/admin/v1/rooms/${one.remoteId}`);
      expect(body).toMatchObject({ room_type: 'm.space', public: false, join_rules: 'invite' });
    });

    test('a room in which the administrator has no power stops one account only', async () => {
      const ref = await create(person('powerless', 'u7'));
      await manager.setPassword(ref, new Secret('a-password'), call());
      const token = await login(server, 'powerless', 'a-password');
      const { body } = await server.as(token)('POST', '/_matrix/client/v3/createRoom', { preset: 'private_chat' });
      const own = { remoteId: (body as { room_id: string }).room_id, name: 'mine' };

      const leaving = manager.setGroups(ref, { wanted: [], managed: [own] }, call());

      await expect(leaving).rejects.toMatchObject({ kind: 'rejected', code: 'room-power' });
    });

    test('a 404 of a proxy does not make anybody gone', async () => {
      const ref = await create(person('proxied', 'u8'));
      proxy.answerNext({ status: 404 });
      await expect(manager.deleteAccount(ref, call())).rejects.toMatchObject({ kind: 'misconfigured' });
      proxy.answerNext({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });

      await expect(manager.findAccount(ref.key, call())).rejects.toMatchObject({ kind: 'misconfigured' });
    });

    test('the connection test wants an administrator', async () => {
      const ref = await create(person('nobody', 'u9'));
      await manager.setPassword(ref, new Secret('a-password'), call());
      const token = (await login(server, 'nobody', 'a-password')) ?? '';
      const [stranger, wrong] = [using({ token }), using({ token: 'wrong' })];

      expect(await manager.testConnection(call())).toMatchObject({
        ok: true,
        remote: expect.stringMatching(/^Synapse 1\..*test\.local$/) as string,
      });
      await expect(stranger.testConnection(call())).rejects.toMatchObject({ kind: 'misconfigured' });
      await expect(wrong.testConnection(call())).rejects.toMatchObject({ kind: 'misconfigured' });
      await stranger.close();
      await wrong.close();
    });
  });
});

test.each([
  ['Ada Lovelace', 'ada.lovelace'],
  ['__bot', 'bot'],
  ['0042', 'u0042'],
  ['é/+', 'e'],
])('%j becomes the user id %j', (name, cleaned) => {
  expect(localparts.clean(name)).toBe(cleaned);
});

function call(): CallContext {
  return { signal: AbortSignal.timeout(20_000), timeoutMs: 20_000 };
}

function person(name: string, userId: string): NewAccount {
  return {
    key: { userId, owner: 'test' },
    profile: { name, nickname: name, displayName: name, email: `${userId}@example.org`, attributes: {} },
  };
}

/** The access token, or undefined where the password is wrong. */
async function login(server: SynapseServer, user: string, password: string): Promise<string | undefined> {
  const body = { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password };
  const answer = await server.ask('POST', '/_matrix/client/v3/login', body);
  return (answer.body as { readonly access_token?: string }).access_token;
}

async function membersOf(server: SynapseServer, roomId: string): Promise<readonly string[]> {
  const { body } = await server.ask('GET', `/_synapse/admin/v1/rooms/${encodeURIComponent(roomId)}/members`);
  return (body as { readonly members: readonly string[] }).members;
}

async function targetOf(server: SynapseServer): Promise<ConformanceTarget> {
  const proxy = await startHttpProxy(server.url);
  return {
    config: { url: proxy.url, token: server.adminToken },
    secrets: [server.adminToken],
    prefix: 'kit-',
    impossibleNames: ['', 'Upper', '_bot', '42', 'a b', 'a/b', 'x'.repeat(121)],
    farSide: farSideOf(server),
    loseNextAnswer: () => proxy.loseNextAnswer(),
    answerNext: (answer) => proxy.answerNext(answer),
    throttle: {
      answer: { status: 429, body: JSON.stringify({ errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 2345 }) },
      retryAfterMs: 2345,
    },
    stop: () => proxy.close(),
  };
}

/** Asks the homeserver itself, past proxy and manager. Who is deactivated is not there. */
function farSideOf(server: SynapseServer): FarSide {
  const groups = async (): Promise<readonly SeenGroup[]> => {
    const { body } = await server.ask('GET', '/_synapse/admin/v1/rooms?limit=1000');
    const { rooms } = body as { readonly rooms: readonly { readonly room_id: string; readonly name: string | null }[] };
    return rooms.map(({ room_id: remoteId, name }) => ({ remoteId, name: name ?? '' }));
  };
  const accounts = async (): Promise<readonly SeenAccount[]> => {
    const { body } = await server.ask('GET', '/_synapse/admin/v2/users?limit=1000&locked=true');
    const { users } = body as { readonly users: readonly { readonly name: string; readonly locked: boolean }[] };
    return Promise.all(
      users.map(async ({ name, locked }) => ({
        remoteId: name,
        name: name.slice(1, name.indexOf(':')),
        enabled: !locked,
        groups: await roomsOf(server, name),
      })),
    );
  };
  return {
    accounts,
    groups,
    plantAccount: async (name) => {
      const remoteId = `@${name}:test.local`;
      await server.ask('PUT', `/_synapse/admin/v2/users/${remoteId}`, { displayname: 'Foreign' });
      return { remoteId, name, enabled: true, groups: [] };
    },
    plantGroup: async (name) => {
      const { body } = await server.ask('POST', '/_matrix/client/v3/createRoom', { name });
      return { remoteId: (body as { readonly room_id: string }).room_id, name };
    },
    join: async (account, group) => {
      const where = `/_synapse/admin/v1/join/${encodeURIComponent(group.remoteId)}`;
      await server.ask('POST', where, { user_id: account.remoteId });
    },
    login: async (name, password) => (await login(server, name, password)) !== undefined,
  };
}

async function roomsOf(server: SynapseServer, userId: string): Promise<readonly string[]> {
  const { body } = await server.ask('GET', `/_synapse/admin/v1/users/${encodeURIComponent(userId)}/joined_rooms`);
  return (body as { readonly joined_rooms: readonly string[] }).joined_rooms;
}
