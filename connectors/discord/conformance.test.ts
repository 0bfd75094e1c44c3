import { Secret } from '@muster/sdk';
import type { NewAccount } from '@muster/sdk';
import { describeConnector, startHttpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, SeenAccount } from '@muster/sdk/conformance';
import { connector } from '.';
import { startFakeDiscord } from './fake';
import type { FakeDiscord } from './fake';
import type { FakeMember } from './fake-state';
import type { DiscordLink } from './link';
import { DiscordManager } from './manager';

let fake: FakeDiscord;
const linked = new Map<string, string>();

/** Everybody has linked a Discord account that happens to have the wanted name. */
class LinkedManager extends DiscordManager {
  protected override async linkOf({ key, profile }: NewAccount): Promise<DiscordLink> {
    const userId = linked.get(key.userId) ?? fake.state.addPerson(profile.name);
    linked.set(key.userId, userId);
    return { userId, accessToken: new Secret(fake.state.people.get(userId)?.accessToken ?? '') };
  }
}

describeConnector({
  connector: { ...connector, manager: LinkedManager as unknown as NonNullable<typeof connector.manager> },
  transport: 'http',
  start: startTarget,
  without: {
    'a name taken by a foreigner is a conflict and the foreigner stays': 'people bring their own names',
    'the listing of accounts equals what was written': 'a member carries no key; its user id is all there is',
  },
});

async function startTarget(): Promise<ConformanceTarget> {
  fake = await startFakeDiscord();
  const proxy = await startHttpProxy(new URL(fake.url).origin);
  const { state } = fake;
  return {
    config: { token: fake.token, guildId: state.guildId, baseUrl: `${proxy.url}/api/v10` },
    secrets: [fake.token, 'Canary-oauth'],
    prefix: 'muster-',
    impossibleNames: [],
    farSide: {
      accounts: async () => [...state.members.values()].filter(({ bot }) => !bot).map(seen),
      groups: async () =>
        [...state.roles.values()].filter(({ managed }) => !managed).map(({ id, name }) => ({ remoteId: id, name })),
      plantAccount: async (name) => seen(state.addMember(state.addPerson(name))),
      plantGroup: async (name) => ({ remoteId: state.addRole({ name }).id, name }),
      join: async (account, group) => {
        state.members.get(account.remoteId)?.roles.push(group.remoteId);
      },
    },
    loseNextAnswer: () => fake.loseNextAnswer(),
    answerNext: (answer) => proxy.answerNext(answer),
    stop: async () => {
      await proxy.close();
      await fake.stop();
    },
  };
}

function seen({ id, username, roles }: FakeMember): SeenAccount {
  return { remoteId: id, name: username, enabled: true, groups: [...roles] };
}
