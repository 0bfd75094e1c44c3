import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallContext } from '@muster/sdk';
import { KeycloakManager } from './manager';
import { groupNames, usernames } from './names';
import { isSame, wantedUser } from './users';

/** What holds without a Keycloak; the rest is in keycloak.slow.ts. */
describe('what Keycloak answers', () => {
  let server: Server;
  let answers: { readonly status: number; readonly body: unknown }[];
  let asked: string[];
  let manager: KeycloakManager;
  beforeEach(async () => {
    answers = [];
    asked = [];
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url?.replace(/\?.*/, '')}`);
      const isToken = request.url?.endsWith('/token') === true;
      const { status, body } = isToken
        ? { status: 200, body: { access_token: `t${asked.length}`, expires_in: 60 } }
        : (answers.shift() ?? { status: 200, body: [] });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    manager = new KeycloakManager({ url, realm: 'lab', clientId: 'muster', clientSecret: 'Canary-secret' });
  });
  afterEach(async () => {
    await manager.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function call(): CallContext {
    return { signal: AbortSignal.timeout(10_000), timeoutMs: 10_000 };
  }

  test('one token serves many requests', async () => {
    await manager.listAccounts(undefined, call());
    await manager.listAccounts(undefined, call());

    expect(asked.filter((line) => line.endsWith('/token'))).toEqual(['POST /realms/lab/protocol/openid-connect/token']);
  });

  test('a token that Keycloak does not know any more is fetched once, not for ever', async () => {
    await manager.listAccounts(undefined, call());
    answers.push({ status: 401, body: {} }, { status: 401, body: {} });

    await expect(manager.listAccounts(undefined, call())).rejects.toMatchObject({ kind: 'misconfigured' });

    expect(asked.filter((line) => line.endsWith('/token'))).toHaveLength(2);
  });

  test.each([
    [{ status: 404, body: { error: 'Realm not found.' } }, 'misconfigured'],
    [{ status: 404, body: undefined }, 'misconfigured'],
    [{ status: 409, body: { errorMessage: 'User exists with same username' } }, 'conflict'],
    [{ status: 403, body: { error: 'HTTP 403 Forbidden' } }, 'misconfigured'],
    [{ status: 503, body: {} }, 'unavailable'],
  ])('%j counts as %s', async (answer, kind) => {
    answers.push(answer);

    await expect(manager.listAccounts(undefined, call())).rejects.toMatchObject({ kind });
  });

  test('a user that is not there is gone', async () => {
    answers.push({ status: 404, body: { error: 'User not found' } });
    const ref = { remoteId: '1', name: 'ada', key: { userId: '1', owner: 'a' } };

    expect(await manager.deleteAccount(ref, call())).toBe('nothing there');
  });
});

test('a user whose answer leaves out what is empty is not written again', () => {
  const profile = { name: 'ada', nickname: '', displayName: 'Ada', email: null, attributes: {} };
  const config = {
    url: 'https://id.example.org',
    realm: 'lab',
    clientId: 'c',
    clientSecret: 's',
    attributes: { team: '{attributes.team}' },
  };

  const wanted = wantedUser({ attributes: { musterKey: ['k'] } }, profile, config);

  expect(isSame({ username: 'ada', attributes: { musterKey: ['k'] } }, wanted)).toBe(true);
  expect(isSame({ username: 'eve', attributes: { musterKey: ['k'] } }, wanted)).toBe(false);
});

test('names of people lose what Keycloak does not take', () => {
  const profile = { name: 'ada', nickname: '<b>Ada</b> {L}', displayName: '', email: null, attributes: {} };
  const config = { url: 'https://id.example.org', realm: 'lab', clientId: 'c', clientSecret: 's' };

  expect(wantedUser({}, profile, config).firstName).toBe('b Ada b L');
});

test.each([
  ['Ada Lovelace', 'ada.lovelace'],
  ['Al', 'al1'],
  ['名前', ''],
])('%j becomes the user name %j', (name, cleaned) => {
  expect(usernames.clean(name)).toBe(cleaned);
  expect(groupNames.clean(`a/${name}`)).toBe(`a${name}`);
});
