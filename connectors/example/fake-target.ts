import { startHttpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, SeenAccount } from '@muster/sdk/conformance';
import type { FakeUser } from './fake-state';
import { startFake } from './fake';

/** The fake, as the conformance kit wants to see it. It reads the fake's memory, not its API. */
export async function startExampleTarget(): Promise<ConformanceTarget> {
  const fake = await startFake({ token: 'Canary-example-token' });
  const proxy = await startHttpProxy(fake.url);
  const { state } = fake;
  return {
    config: { url: proxy.url, token: fake.token },
    secrets: [fake.token],
    prefix: 'muster.',
    impossibleNames: ['', 'Upper', 'a b', 'a/b', 'x'.repeat(41)],
    farSide: {
      accounts: async () => [...state.users.values()].map(seen),
      groups: async () => [...state.groups.values()].map(({ id, name }) => ({ remoteId: id, name })),
      plantAccount: async (name) => seen(state.addUser({ name })),
      plantGroup: async (name) => ({ remoteId: state.addGroup({ name }).id, name }),
      join: async (account, group) => {
        state.users.get(account.remoteId)?.groups.push(group.remoteId);
      },
      login: async (name, password) =>
        [...state.users.values()].some((user) => user.active && user.name === name && user.password === password),
    },
    loseNextAnswer: () => fake.loseNextAnswer(),
    answerNext: (answer) => proxy.answerNext(answer),
    stop: async () => {
      await proxy.close();
      await fake.stop();
    },
  };
}

function seen(user: FakeUser): SeenAccount {
  return { remoteId: user.id, name: user.name, enabled: user.active, groups: [...user.groups] };
}
