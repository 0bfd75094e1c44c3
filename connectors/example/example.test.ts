import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Misconfigured, Unavailable, hookOverrides, managerAbilities } from '@muster/sdk';
import type { CallContext, HookUser, NewAccount, WorkflowPort } from '@muster/sdk';
import { describeConnector } from '@muster/sdk/conformance';
import { connector, listener } from '.';
import { startFake } from './fake';
import type { FakeService } from './fake';
import { startExampleTarget } from './fake-target';
import { ListenerHook } from './listener';
import { ExampleManager } from './manager';

describeConnector({ connector, start: startExampleTarget, transport: 'http' });

function call(): CallContext {
  return { signal: AbortSignal.timeout(5000), timeoutMs: 5000 };
}

const ada: NewAccount = {
  key: { userId: '0001', owner: 'test' },
  profile: { name: 'ada', nickname: 'Ada', displayName: 'Ada Lovelace', email: 'ada@example.org', attributes: {} },
};

describe('example manager', () => {
  let fake: FakeService;
  let manager: ExampleManager;

  beforeEach(async () => {
    fake = await startFake();
    manager = new ExampleManager({ url: fake.url, token: fake.token });
  });

  afterEach(() => fake.stop());

  test('a 429 becomes Throttled with the time that the service names', async () => {
    fake.throttle(7);

    await expect(manager.createAccount(ada, call())).rejects.toMatchObject({ kind: 'throttled', retryAfterMs: 7000 });
    await expect(manager.createAccount(ada, call())).resolves.toMatchObject({ outcome: 'created' });
  });

  test('a failing service is unavailable and nothing is tried again', async () => {
    fake.fail();

    await expect(manager.createAccount(ada, call())).rejects.toBeInstanceOf(Unavailable);

    expect(fake.journal).toEqual([{ method: 'GET', path: '/users', status: 500 }]);
  });

  test('a wrong token is misconfigured', async () => {
    const stranger = new ExampleManager({ url: fake.url, token: 'wrong' });

    await expect(stranger.testConnection(call())).rejects.toBeInstanceOf(Misconfigured);
  });

  test('an account that is as it should be is only read', async () => {
    const { id } = fake.state.addUser({
      name: 'ada',
      label: 'Ada',
      email: 'ada@example.org',
      externalId: 'muster:test:user:0001',
    });

    expect(await manager.updateAccount({ remoteId: id, name: 'ada', key: ada.key }, ada.profile, call())).toBe(
      'unchanged',
    );

    expect(fake.journal.map(({ method }) => method)).toEqual(['GET']);
  });
});

describe('example listener', () => {
  const port: WorkflowPort = {
    start: refuse,
    bulk: refuse,
    remove: refuse,
    password: refuse,
    granted: async () => true,
    account: refuse,
  };
  const person: HookUser = {
    id: '1',
    username: 'ada',
    displayName: 'Ada',
    email: null,
    active: true,
    state: 'Member',
    attributes: {},
    groups: ['crew'],
  };
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'listener-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  test('it writes every call and starts no workflow', async () => {
    const file = join(folder, 'calls.jsonl');
    const hook = new ListenerHook({
      service: { name: 'audit', title: undefined, url: undefined, settings: { file } },
      port,
      storage: { query: refuse },
    });

    await hook.createAccount(person);
    await hook.updateGroupsBulk([person, { ...person, id: '2' }]);
    await hook.updateAllGroups();
    expect(await hook.deleteUser(person)).toBe('nothing there');

    const lines = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatchObject({
      service: 'audit',
      call: 'createAccount',
      userId: '1',
      groups: ['crew'],
      state: 'Member',
    });
    expect(lines[2]).toMatchObject({ call: 'updateGroupsBulk', userId: '2' });
  });

  test('it has no manager, and its overrides can be read', () => {
    const service = { name: 'audit', title: undefined, url: undefined, settings: {} };
    const hook = listener.hook?.({ service, port, storage: { query: refuse } });

    expect(managerAbilities(listener.manager)).toEqual([]);
    expect(hook && [...hookOverrides(hook)]).toEqual(expect.arrayContaining(['createAccount', 'updateGroupsBulk']));
  });
});

async function refuse(): Promise<never> {
  throw new Error('the listener must not start anything');
}
