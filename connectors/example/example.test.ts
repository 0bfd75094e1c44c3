import { Misconfigured, Unavailable } from '@muster/sdk';
import type { CallContext, NewAccount } from '@muster/sdk';
import { describeConnector } from '@muster/sdk/conformance';
import { connector } from '.';
import { startFake } from './fake';
import type { FakeService } from './fake';
import { startExampleTarget } from './fake-target';
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
