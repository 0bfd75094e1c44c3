import { describeConnector, startHttpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, SeenAccount } from '@muster/sdk/conformance';
import { connector } from '.';
import { startFakeDiscourse } from './fake';
import type { FakeForum, FakeUser } from './fake-state';
import type { DiscourseConfig } from './schema';

const WITHOUT = {
  'a key of another owner is never adopted': 'DiscourseConnect knows people by their own id, unique among all Musters',
  'the listing of accounts equals what was written': 'the list of users holds no external ids',
};

describe('who leaves is deleted', () => {
  describeConnector({ connector, start: () => startTarget({ onRemoval: 'delete' }), without: WITHOUT });
});

describe('who leaves is suspended', () => {
  describeConnector({
    connector,
    transport: 'http',
    start: () => startTarget({}),
    without: {
      ...WITHOUT,
      'someone new with the old name gets a new account': 'the name stays taken: it is a conflict',
    },
  });
});

async function startTarget(config: Partial<DiscourseConfig>): Promise<ConformanceTarget> {
  const fake = await startFakeDiscourse();
  const proxy = await startHttpProxy(fake.url);
  const { forum, apiKey, connectSecret } = fake;
  return {
    config: { url: proxy.url, apiKey, connectSecret, accounts: 'at once', ...config },
    secrets: [apiKey, connectSecret],
    prefix: 'kit-',
    impossibleNames: ['', 'ab', 'a b c', 'a__b', 'ends_', 'x'.repeat(21)],
    farSide: {
      accounts: async () => [...forum.users.values()].filter(isThere).map((user) => seen(forum, user)),
      groups: async () => [...forum.groups.values()].map(({ id, name }) => ({ remoteId: String(id), name })),
      plantAccount: async (username) => seen(forum, forum.add({ username })),
      plantGroup: async (name) => ({ remoteId: String(forum.addGroup(name).id), name }),
      join: async (account, group) => {
        forum.groups.get(Number(group.remoteId))?.members.push(Number(account.remoteId));
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

/** Who was suspended for leaving is gone. */
function isThere({ suspension }: FakeUser): boolean {
  return suspension?.reason !== 'Muster: no longer a member';
}

function seen(forum: FakeForum, user: FakeUser): SeenAccount {
  const groups = [...forum.groups.values()].filter(({ automatic, members }) => !automatic && members.includes(user.id));
  return {
    remoteId: String(user.id),
    name: user.username,
    enabled: user.suspension === null,
    groups: groups.map(({ id }) => String(id)),
  };
}
