import { Secret } from '@muster/sdk';
import type { AccountRef, CallContext, NewAccount } from '@muster/sdk';
import { describeConnector, startHttpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, SeenAccount } from '@muster/sdk/conformance';
import { connector, directory } from '.';
import { DirectoryManager } from './directory-manager';
import { startFakeReceiver } from './fake';
import type { FakeReceiver } from './fake';
import type { HeldAccount } from './fake-directory';
import type { WebhookManager } from './manager';
import type { WebhookConfig } from './schema';
import { signedHeaders } from './signature';

describeConnector({ connector, start: startTarget });
describeConnector({ connector: directory, transport: 'http', start: startTarget });

async function startTarget(): Promise<ConformanceTarget> {
  const receiver = await startFakeReceiver();
  const proxy = await startHttpProxy(new URL(receiver.url).origin);
  const { accounts, groups } = receiver.directory;
  return {
    config: { url: `${proxy.url}/muster?token=Canary-url-token`, secret: receiver.secret },
    secrets: [receiver.secret, 'Canary-url-token'],
    prefix: 'muster-',
    impossibleNames: ['', 'root'],
    farSide: {
      accounts: async () => [...accounts.values()].map(seen),
      groups: async () => [...groups.values()].map(({ remoteId, name }) => ({ remoteId, name })),
      plantAccount: async (name) => seen(receiver.directory.add({ name })),
      plantGroup: async (name) => ({ remoteId: receiver.directory.addGroup({ name }).remoteId, name }),
      join: async (account, group) => {
        accounts.get(account.remoteId)?.groups.push(group.remoteId);
      },
      login: async (name, password) =>
        [...accounts.values()].some((each) => each.name === name && each.password === password),
    },
    loseNextAnswer: () => receiver.loseNextAnswer(),
    answerNext: (answer) => proxy.answerNext(answer),
    stop: async () => {
      await proxy.close();
      await receiver.stop();
    },
  };
}

function seen({ remoteId, name, enabled, groups }: HeldAccount): SeenAccount {
  return { remoteId, name, enabled, groups: [...groups] };
}

const ada: NewAccount = {
  key: { userId: 'u1', owner: 'test' },
  profile: { name: 'ada', nickname: 'Ada', displayName: 'Ada L', email: 'a@example.org', attributes: { team: 'Ops' } },
};
const ref: AccountRef = { remoteId: 'u1', name: 'ada', key: ada.key };

function call(): CallContext {
  return { signal: AbortSignal.timeout(10_000), timeoutMs: 10_000 };
}

test('the signature is that of the specification', () => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestampS: 1_614_265_330, body: '{"test": 2432232314}' };

  const headers = signedHeaders(message, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']);

  expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

describe('a receiver', () => {
  let receiver: FakeReceiver;
  let managers: WebhookManager[];
  const manager = (config: Partial<WebhookConfig> = {}): WebhookManager => {
    const made = new DirectoryManager({ url: receiver.url, secret: receiver.secret, ...config });
    managers.push(made);
    return made;
  };
  beforeEach(async () => {
    managers = [];
    receiver = await startFakeReceiver();
  });
  afterEach(async () => {
    await Promise.all(managers.map((each) => each.close()));
    await receiver.stop();
  });

  test('that answers 204 to everything needs nothing else', async () => {
    receiver.answers.push(...Array.from({ length: 6 }, () => ({ status: 204 })));
    const ours = manager();

    expect(await ours.createAccount(ada, call())).toEqual({ outcome: 'created', remoteId: 'u1', name: 'ada' });
    expect(await ours.setGroups(ref, { wanted: [], managed: [] }, call())).toBe('done');
    expect(await ours.ensureGroup({ key: 'g1', owner: 'test', name: 'crew' }, call())).toMatchObject({
      remoteId: 'g1',
    });
    expect(await ours.setPassword(ref, new Secret('x'), call())).toBe('done');
    expect(await ours.deleteAccount(ref, call())).toBe('done');
    expect(await ours.testConnection(call())).toEqual({ ok: true, missing: [] });
  });

  test('gets the whole wish in every call, and each call has an id of its own', async () => {
    receiver.answers.push({ status: 204 }, { status: 204 });
    const ours = manager();

    await ours.createAccount(ada, call());
    await ours.createAccount(ada, call());

    const [first, second] = receiver.journal;
    expect(first?.body).toEqual({
      call: 'createAccount',
      account: { userId: 'u1', owner: 'test' },
      profile: ada.profile,
    });
    expect(first?.id).toMatch(/^msg_/);
    expect(second?.id).not.toBe(first?.id);
  });

  test('is given both signatures while the secret is changed', async () => {
    receiver.answers.push({ status: 204 });
    const rotating = manager({ secret: 'a new secret of 16', previousSecret: receiver.secret });

    await rotating.createAccount(ada, call());

    expect(receiver.journal[0]?.signatures).toHaveLength(2);
  });

  test('that finds the signature wrong stops the service', async () => {
    const wrong = manager({ secret: 'a wrong secret, long enough' });

    await expect(wrong.createAccount(ada, call())).rejects.toMatchObject({ kind: 'misconfigured' });
    await expect(wrong.testConnection(call())).resolves.toMatchObject({ ok: false });
  });

  test('is asked only for the calls that it wants', async () => {
    const ours = manager({ calls: ['createAccount', 'deleteAccount'] });

    expect(await ours.setNickname(ref, 'x', call())).toBe('unchanged');
    await expect(ours.setPassword(ref, new Secret('x'), call())).rejects.toMatchObject({ code: 'no-passwords' });

    expect(receiver.journal).toEqual([]);
  });

  test('can ask for time, or for a person', async () => {
    receiver.answers.push(
      { status: 202, body: { outcome: 'in progress', checkAfterMs: 30_000 } },
      { status: 200, body: { outcome: 'action required', instruction: 'Sign the form.' } },
    );
    const ours = manager();

    expect(await ours.createAccount(ada, call())).toEqual({ outcome: 'in progress', checkAfterMs: 30_000 });
    expect(await ours.createAccount(ada, call())).toEqual({
      outcome: 'action required',
      instruction: 'Sign the form.',
    });
  });

  test('that is no directory does not make everybody disappear', async () => {
    receiver.answers.push({ status: 204 }, { status: 200, body: { items: 'none' } });
    const ours = new DirectoryManager({ url: receiver.url, secret: receiver.secret });
    managers.push(ours);

    await expect(ours.listAccounts(undefined, call())).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(ours.listAccounts(undefined, call())).rejects.toMatchObject({ kind: 'unavailable' });
  });

  test.each([
    [
      { status: 429, headers: { 'retry-after': '12' } },
      { kind: 'throttled', retryAfterMs: 12_000 },
    ],
    [{ status: 409 }, { kind: 'conflict' }],
    [{ status: 422, body: { detail: 'a@example.org' } }, { kind: 'rejected' }],
    [{ status: 403 }, { kind: 'misconfigured' }],
    [{ status: 503 }, { kind: 'unavailable' }],
  ])('that answers %j says %j', async (answer, error) => {
    receiver.answers.push(answer);

    const failure: unknown = await manager()
      .createAccount(ada, call())
      .catch((thrown: unknown) => thrown);

    expect(failure).toMatchObject(error);
    expect(String(failure)).not.toMatch(/Canary|example\.org|muster\?/);
  });

  test('gets no password over a network in the clear', async () => {
    const open = manager({ url: 'http://receiver.example.org/muster' });

    await expect(open.setPassword(ref, new Secret('x'), call())).rejects.toMatchObject({ code: 'not-confidential' });
  });
});
