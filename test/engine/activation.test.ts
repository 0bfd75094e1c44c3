import { connector as discord } from '../../connectors/discord';
import { startFakeDiscord } from '../../connectors/discord/fake';
import type { FakeDiscord } from '../../connectors/discord/fake';
import { connector as discourse } from '../../connectors/discourse';
import { sign } from '../../connectors/discourse/connect';
import { startFakeDiscourse } from '../../connectors/discourse/fake';
import type { FakeDiscourse } from '../../connectors/discourse/fake';
import type { Account } from '../../store/accounts';
import { addMembers, createGroup } from '../../store/groups';
import { listNotifications } from '../../store/notifications';
import type { ServiceRecord } from '../../store/services';
import { createUser } from '../../store/users';
import { apiOf } from '../acceptance/engine-api';
import type { EngineApi } from '../acceptance/engine-api';
import { testToken } from '../environment/identity';
import { PUBLIC_URL } from '../external/linking';
import { SOCIAL_CLIENT, startSocialSite } from '../external/social-site';
import type { SocialSite } from '../external/social-site';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { accountWhere, BY, eventually, grantMembers } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

/** Whom the social site always answers with. */
const DISCORD_ID = '80351110224678912';

const target = new ScriptedTarget();
let engine: TestEngine;
let api: EngineApi;
beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target), discord, discourse) });
  api = apiOf(engine);
});
afterAll(() => engine?.close());

async function addService(
  settings: Parameters<TestEngine['addService']>[0] & { readonly begins?: 'automatic' | 'on request' },
): Promise<ServiceRecord> {
  await engine.db.query(`update services set enabled = false`);
  const service = await engine.addService(settings);
  await grantMembers(engine, service.id);
  return service;
}

/** Somebody who has a right to the service; nothing is waited for. */
async function person(username: string): Promise<string> {
  const fields = { username, state: 'Member', email: `${username}@example.org` };
  const written = await createUser(engine.db, fields, BY);
  await engine.flow.changed(written.change?.changeId ?? 0);
  return written.record.id;
}

function pending(service: ServiceRecord, userId: string): Promise<Account> {
  const isPending = (account: Account): boolean => account.attention === 'action required';
  return accountWhere(engine, { serviceId: service.id, userId }, isPending);
}

function active(service: ServiceRecord, userId: string): Promise<Account> {
  return accountWhere(engine, { serviceId: service.id, userId }, ({ status, due }) => status === 'active' && !due);
}

/** While the account waits for its person, they come into a new group. */
async function joinGroup(name: string, userId: string): Promise<void> {
  const group = await createGroup(engine.db, name, BY);
  await engine.flow.changed(group.change?.changeId ?? 0);
  const joined = await addMembers(engine.db, { groupId: group.record.id, userIds: [userId], by: BY });
  await engine.flow.changed(joined.change?.changeId ?? 0);
}

describe('a key that somebody must join with', () => {
  /** As on a voice server: they get a key, and are there when they have come with it. */
  function withKey(
    present: ReadonlySet<string>,
    times: { readonly expiresInMs?: number; readonly checkAfterMs?: number },
  ): void {
    target.reset();
    target.script = ({ method, userId = '' }) => {
      if (method !== 'createAccount' || present.has(userId)) return undefined;
      return Promise.resolve({ outcome: 'action required', instruction: 'Join with the key 4711.', ...times });
    };
  }

  test('is looked for until they have joined; they are then what they should be by then', async () => {
    const present = new Set<string>();
    withKey(present, { checkAfterMs: 1_000 });
    const service = await addService({ name: 'voice', connector: 'scripted' });
    const ada = await person('ada');
    const waits = await pending(service, ada);
    expect(waits).toMatchObject({ status: 'pending', instruction: 'Join with the key 4711.' });
    expect(Number(waits.pendingUntil)).toBeGreaterThan(Date.now() + 6 * 86_400_000);

    await joinGroup('Pilots', ada);
    present.add(ada);

    expect(await active(service, ada)).toMatchObject({ instruction: null, pendingUntil: null });
    await eventually('the group came with it', async () => target.accounts.get(ada)?.groups.includes('Pilots'));
  });

  test('that was not used in time ends the activation, and they hear of it', async () => {
    withKey(new Set(), { expiresInMs: 1_000 });
    const service = await addService({ name: 'on-request', connector: 'scripted', begins: 'on request' });
    const ben = await person('ben');
    await api.call('put', `/v1/services/on-request/accounts/${ben}`).expect(202);

    const lapsed = await accountWhere(engine, { serviceId: service.id, userId: ben }, ({ lastOutcome }) => {
      return lastOutcome === 'the activation has lapsed';
    });

    expect(lapsed).toMatchObject({ status: 'none', choice: null, instruction: null, due: false });
    const told = await listNotifications(engine.db, { userId: ben, limit: 10 });
    expect(told).toMatchObject([{ title: expect.stringMatching(/^Your activation of .* has expired$/) }]);
  });

  test('is made anew when it has expired, where everybody is to have an account', async () => {
    withKey(new Set(), { expiresInMs: 1_000 });
    const service = await addService({ name: 'everybody', connector: 'scripted' });
    const cy = await person('cy');

    await eventually('a second key was made', async () => target.called('createAccount', cy) >= 2);

    expect((await pending(service, cy)).status).toBe('pending');
  });
});

describe('an account that somebody must link', () => {
  let fake: FakeDiscord;
  let site: SocialSite;
  beforeAll(async () => {
    [fake, site] = [await startFakeDiscord(), await startSocialSite()];
    const client = { clientId: SOCIAL_CLIENT.id, clientSecret: SOCIAL_CLIENT.secret };
    const config = { ...client, apiUrl: site.url, authorizationUrl: `${site.url}/authorize` };
    await api.call('put', '/v1/external/discord/config').send({ config }).expect(200);
  });
  afterAll(async () => {
    await fake?.stop();
    await site?.close();
  });

  test('brings them into the server with the roles that they should have by then', async () => {
    const config = { guildId: fake.state.guildId, baseUrl: fake.url };
    const service = await addService({ name: 'guild', connector: 'discord', config, secrets: { token: fake.token } });
    const dee = await person('dee');
    expect(await pending(service, dee)).toMatchObject({ instruction: 'Link your Discord account.' });
    await joinGroup('Fleet', dee);
    // The same Discord knows them under the token that it has just given.
    fake.state.people.set(DISCORD_ID, {
      username: 'dee',
      get accessToken() {
        return [...site.tokens].at(-1) ?? '';
      },
    });

    const begun = await api.call('post', `/v1/users/${dee}/external/discord`).expect(201);
    const sent = await fetch((begun.body as { authorizationUrl: string }).authorizationUrl, { redirect: 'manual' });
    await api.anonymous('get', (sent.headers.get('location') ?? '').slice(PUBLIC_URL.length)).expect(200);

    expect(await active(service, dee)).toMatchObject({ remoteId: DISCORD_ID, remoteName: 'dee' });
    const fleet = [...fake.state.roles.values()].find(({ name }) => name === 'Fleet')?.id ?? 'no role';
    await eventually('they have the role', async () => fake.state.members.get(DISCORD_ID)?.roles.includes(fleet));
  });
});

describe('an account that comes with the first login', () => {
  let fake: FakeDiscourse;
  beforeAll(async () => {
    fake = await startFakeDiscourse();
  });
  afterAll(() => fake?.stop());

  test('is there after it, in the groups that they should be in by then', async () => {
    const secrets = { apiKey: fake.apiKey, connectSecret: fake.connectSecret };
    const service = await addService({ name: 'forum', connector: 'discourse', config: { url: fake.url }, secrets });
    const eve = await person('eve');
    expect((await pending(service, eve)).instruction).toMatch(/^Log in to the forum once/);
    await joinGroup('Writers', eve);
    const { token } = await testToken(api.identity, { userId: eve });

    const login = sign({ nonce: 'n1', return_sso_url: `${fake.url}/session/sso_login` }, fake.connectSecret);
    const query = new URLSearchParams({ ...login }).toString();
    await api.as(token, 'get', `/services/forum/sso?${query}`).expect(302);

    expect(await active(service, eve)).toMatchObject({ remoteName: 'eve' });
    await eventually('they are in the group', async () => {
      const user = [...fake.forum.users.values()].find(({ username }) => username === 'eve');
      const group = [...fake.forum.groups.values()].find(({ name }) => name === 'Writers');
      return user !== undefined && group?.members.includes(user.id);
    });
  });
});
