import { Secret } from '@muster/sdk';
import type { AccountRef, CallContext, NewAccount } from '@muster/sdk';
import { describeConnector, startHttpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, FarSide, HttpProxy } from '@muster/sdk/conformance';
import { connector } from '.';
import { KEYCLOAK_PROGRAM, startKeycloak } from '../../test/connectors/keycloak-server';
import type { KeycloakServer } from '../../test/connectors/keycloak-server';
import { describeWith, until } from '../../test/connectors/programs';
import { KeycloakManager } from './manager';
import type { KeycloakConfig } from './schema';

interface Listed {
  readonly id: string;
  readonly username: string;
  readonly name: string;
  readonly enabled: boolean;
}

describeWith([KEYCLOAK_PROGRAM, 'java'], 'on Keycloak', () => {
  let server: KeycloakServer;
  let proxy: HttpProxy;
  beforeAll(async () => {
    server = await startKeycloak();
    proxy = await startHttpProxy(server.url);
  });
  afterAll(async () => {
    await proxy?.close();
    await server?.stop();
  });

  describe('with groups', () => {
    describeConnector({
      connector,
      transport: 'http',
      start: () => targetOf(server, 'group'),
      without: { 'a 401 is the configuration': 'a token that is not known any more is fetched anew, once' },
    });
  });
  describe('with roles', () => {
    describeConnector({ connector, start: () => targetOf(server, 'role') });
  });

  describe('what is Keycloak', () => {
    const managers: KeycloakManager[] = [];
    const manager = (config: Partial<KeycloakConfig> = {}): KeycloakManager => {
      const made = new KeycloakManager({ url: proxy.url, realm: server.realm, ...server.client, ...config });
      managers.push(made);
      return made;
    };
    const create = async (account: NewAccount, ours = manager()): Promise<AccountRef> => {
      const made = await ours.createAccount(account, call());
      if (!('name' in made)) throw new Error(made.outcome);
      return { remoteId: made.remoteId, name: made.name, key: account.key };
    };
    beforeEach(() => proxy.forget());
    afterEach(async () => {
      await Promise.all(managers.splice(0).map((each) => each.close()));
    });

    test('a token that has ended is fetched anew, and one that is not known any more too', async () => {
      await server.ask('PUT', '', { accessTokenLifespan: 12 });
      const ours = manager();
      const tokens = (): number => proxy.journal.filter(({ path }) => path.endsWith('/token')).length;
      await until(async () => {
        await ours.listGroups(undefined, call());
        return tokens() === 2;
      });
      await server.ask('PUT', '', { accessTokenLifespan: 60 });
      proxy.answerNext({ status: 401, body: { error: 'HTTP 401 Unauthorized' } }, ({ path }) =>
        path.includes('/groups'),
      );

      await expect(ours.listGroups(undefined, call())).resolves.toBeDefined();

      expect(tokens()).toBe(3);
    });

    test('a new user must first do what the configuration says', async () => {
      const ref = await create(person('actions'), manager({ requiredActions: ['UPDATE_PASSWORD', 'CONFIGURE_TOTP'] }));

      const { body } = await server.ask('GET', `/users/${ref.remoteId}`);

      const { requiredActions } = body as { readonly requiredActions: readonly string[] };
      expect(new Set(requiredActions)).toEqual(new Set(['UPDATE_PASSWORD', 'CONFIGURE_TOTP']));
    });

    test('attributes are filled, and what others wrote stays', async () => {
      const ours = manager({ attributes: { lastName: '{attributes.last}', team: '{attributes.team}' } });
      const account = person('attributes', { last: 'Lovelace', team: ['Ops', 'Dev'] });
      const ref = await create(account, ours);
      const { body } = await server.ask('GET', `/users/${ref.remoteId}`);
      const user = body as { readonly attributes: object };
      await server.ask('PUT', `/users/${ref.remoteId}`, {
        ...user,
        attributes: { ...user.attributes, hand: ['made'] },
      });

      expect(await ours.updateAccount(ref, { ...account.profile, nickname: 'New' }, call())).toBe('done');
      expect(await ours.updateAccount(ref, { ...account.profile, nickname: 'New' }, call())).toBe('unchanged');

      const after = await server.ask('GET', `/users/${ref.remoteId}`);
      expect(after.body).toMatchObject({
        firstName: 'New',
        lastName: 'Lovelace',
        attributes: { team: ['Ops', 'Dev'], hand: ['made'] },
      });
    });

    test('a password against the policy is one account', async () => {
      await server.ask('PUT', '', { passwordPolicy: 'length(12)' });
      const ref = await create(person('policy'));
      const ours = manager();

      await expect(ours.setPassword(ref, new Secret('short'), call())).rejects.toMatchObject({
        code: 'password-policy',
      });
      await server.ask('PUT', '', { passwordPolicy: '' });
    });

    test('a mail address that somebody else has is a conflict', async () => {
      const first = person('mail-one');
      await create(first);
      const second = { ...person('mail-two'), profile: { ...person('mail-two').profile, email: first.profile.email } };

      await expect(manager().createAccount(second, call())).rejects.toMatchObject({ kind: 'conflict' });
    });

    test('a wrong realm makes nobody gone', async () => {
      const ref = await create(person('realm'));
      const elsewhere = manager({ realm: 'other', clientRealm: server.realm });

      await expect(elsewhere.deleteAccount(ref, call())).rejects.toMatchObject({ kind: 'misconfigured' });
      const wrong = manager({ clientSecret: 'wrong' });
      await expect(wrong.testConnection(call())).rejects.toMatchObject({ kind: 'misconfigured' });
    });

    test('a realm that would drop our key is told', async () => {
      const { body } = await server.ask('GET', '/users/profile');
      const { unmanagedAttributePolicy: _policy, ...strict } = body as Record<string, unknown>;
      await server.ask('PUT', '/users/profile', strict);

      const report = await manager().testConnection(call());
      await server.ask('PUT', '/users/profile', body);

      expect(report).toMatchObject({ ok: false, missing: [expect.stringContaining('musterKey') as string] });
    });
  });
});

function call(): CallContext {
  return { signal: AbortSignal.timeout(30_000), timeoutMs: 30_000 };
}

function person(name: string, attributes: NewAccount['profile']['attributes'] = {}): NewAccount {
  return {
    key: { userId: `id-${name}`, owner: 'test:1' },
    profile: { name, nickname: name, displayName: name, email: `${name}@example.org`, attributes },
  };
}

async function targetOf(server: KeycloakServer, groupsAre: 'group' | 'role'): Promise<ConformanceTarget> {
  const proxy = await startHttpProxy(server.url);
  return {
    config: { url: proxy.url, realm: server.realm, ...server.client, groupsAre },
    secrets: [server.client.clientSecret],
    prefix: `kit-${groupsAre}-`,
    impossibleNames: ['', 'Upper', 'a b', 'ab', 'a/b', 'é'],
    farSide: farSideOf(server, groupsAre),
    loseNextAnswer: () => proxy.loseNextAnswer(({ method, path }) => method !== 'GET' && !path.endsWith('/token')),
    answerNext: (answer) => proxy.answerNext(answer),
    stop: () => proxy.close(),
  };
}

/** Asks Keycloak's admin API as its administrator, past proxy and manager. */
function farSideOf(server: KeycloakServer, groupsAre: 'group' | 'role'): FarSide {
  const list = async (path: string): Promise<readonly Listed[]> =>
    (await server.ask('GET', path)).body as readonly Listed[];
  const groupsOf = (id: string): string =>
    groupsAre === 'role' ? `/users/${id}/role-mappings/realm` : `/users/${id}/groups`;
  const groups = async () => list(groupsAre === 'role' ? '/roles?max=1000' : '/groups?max=1000');
  const isPlain = ({ name }: Listed): boolean => !name.startsWith('default-roles-');
  return {
    accounts: async () =>
      Promise.all(
        (await list('/users?max=1000')).map(async ({ id, username, enabled }) => ({
          remoteId: id,
          name: username,
          enabled,
          groups: (await list(groupsOf(id))).filter(isPlain).map((group) => group.id),
        })),
      ),
    groups: async () => (await groups()).map(({ id, name }) => ({ remoteId: id, name })),
    plantAccount: async (username) => {
      await server.ask('POST', '/users', { username, enabled: true });
      const [planted] = await list(`/users?exact=true&username=${username}`);
      return { remoteId: planted?.id ?? '', name: username, enabled: true, groups: [] };
    },
    plantGroup: async (name) => {
      await server.ask('POST', groupsAre === 'role' ? '/roles' : '/groups', { name });
      return { remoteId: (await groups()).find((group) => group.name === name)?.id ?? '', name };
    },
    join: async (account, group) => {
      if (groupsAre === 'group') await server.ask('PUT', `/users/${account.remoteId}/groups/${group.remoteId}`);
      else await server.ask('POST', groupsOf(account.remoteId), [{ id: group.remoteId, name: group.name }]);
    },
    login: (username, password) => server.login(username, password),
  };
}
