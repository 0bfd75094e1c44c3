import { describeConnector, startHttpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, FarSide, SeenAccount } from '@muster/sdk/conformance';
import { connector } from '.';
import { describeWith } from '../../test/connectors/programs';
import { startRabbit } from '../../test/connectors/rabbitmq';
import type { Rabbit } from '../../test/connectors/rabbitmq';

describeWith(['rabbitmq-server', 'epmd'], 'rabbitmq on the real server', () => {
  describeConnector({ connector, start: startTarget, transport: 'http' });
});

async function startTarget(): Promise<ConformanceTarget> {
  const rabbit = await startRabbit();
  const proxy = await startHttpProxy(`http://127.0.0.1:${rabbit.port}`);
  return {
    config: { ...rabbit.config, url: `${proxy.url}/` },
    secrets: [rabbit.password, Buffer.from(`muster:${rabbit.password}`).toString('base64')],
    prefix: 'muster.',
    impossibleNames: ['', '.', '..', ' lead', 'nul\u0000', 'x'.repeat(101)],
    farSide: farSideOf(rabbit),
    loseNextAnswer: () => proxy.loseNextAnswer(),
    answerNext: (answer) => proxy.answerNext(answer),
    stop: async () => {
      await proxy.close();
      await rabbit.stop();
    },
  };
}

interface User {
  readonly name: string;
  readonly tags: readonly string[];
  readonly hashing_algorithm: string;
}

function farSideOf(rabbit: Rabbit): FarSide {
  const at = encodeURIComponent;
  const accounts = async (): Promise<readonly SeenAccount[]> => {
    const users = (await rabbit.ask('GET', 'users')) as readonly User[];
    const permissions = (await rabbit.ask('GET', 'permissions')) as readonly { user: string; vhost: string }[];
    return users.map(({ name, tags, hashing_algorithm }) => ({
      remoteId:
        tags
          .find((tag) => tag.startsWith('muster:'))
          ?.split(':')
          .at(-1) ?? `user.${Buffer.from(name).toString('base64url')}`,
      name,
      enabled: hashing_algorithm === 'rabbit_password_hashing_sha256' && !tags.includes('muster-disabled'),
      groups: permissions.filter(({ user }) => user === name).map(({ vhost }) => vhost),
    }));
  };
  return {
    accounts,
    groups: async () => {
      const hosts = (await rabbit.ask('GET', 'vhosts')) as readonly { name: string }[];
      return hosts.map(({ name }) => ({ remoteId: name, name }));
    },
    plantAccount: async (name) => {
      await rabbit.ask('PUT', `users/${at(name)}`, { password: 'foreign', tags: '' });
      const planted = (await accounts()).find((account) => account.name === name);
      if (planted === undefined) throw new Error('it was not made');
      return planted;
    },
    plantGroup: async (name) => {
      await rabbit.ask('PUT', `vhosts/${at(name)}`, {});
      return { remoteId: name, name };
    },
    join: async ({ name }, group) => {
      const body = { configure: '', write: '', read: '.*' };
      await rabbit.ask('PUT', `permissions/${at(group.name)}/${at(name)}`, body);
    },
    login: async (name, password) => (await rabbit.login(name, password)).includes('Not management user'),
  };
}
