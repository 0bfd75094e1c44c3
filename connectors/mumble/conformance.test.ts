import { describeConnector, startTcpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, FarSide, SeenAccount } from '@muster/sdk/conformance';
import { connector } from '.';
import { Murmur } from './murmur';
import { MumbleConfig } from './schema';
import { describeWith } from '../../test/connectors/programs';
import { startMurmur } from '../../test/connectors/murmur';
import type { MurmurServer } from '../../test/connectors/murmur';

describeWith(['murmurd'], 'mumble on murmurd', () => {
  describeConnector({
    connector,
    start: startTarget,
    without: {
      'a group name taken by a foreigner is a conflict': 'groups are shared: others keep their members in them',
    },
  });
});

const WRITES = ['registerUser', 'unregisterUser', 'updateRegistration', 'setACL'];
const call = { signal: new AbortController().signal, timeoutMs: 15_000 };

async function startTarget(): Promise<ConformanceTarget> {
  const server = await startMurmur();
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: server.port });
  // The tests' own, past the proxy: the wire is the same, what the connector makes of it is not.
  const admin = new Murmur(MumbleConfig.parse(server.config));
  return {
    config: { ...server.config, port: proxy.port },
    secrets: [server.secret],
    prefix: 'muster.',
    impossibleNames: ['', 'two words', 'a/b', 'nul\u0000', 'x'.repeat(61), '👩'],
    farSide: farSideOf(server, admin),
    loseNextAnswer: () => proxy.loseNextAnswer((bytes) => WRITES.some((name) => bytes.includes(name))),
    stop: async () => {
      await admin.close();
      await proxy.close();
      await server.stop();
    },
  };
}

function farSideOf(server: MurmurServer, admin: Murmur): FarSide {
  const accounts = async (): Promise<readonly SeenAccount[]> => {
    const { groups } = await admin.acl(0, call);
    const ids = [...(await admin.registered(call)).keys()].filter((id) => id > 0);
    return Promise.all(
      ids.map(async (id) => {
        const info = await admin.registration(id, call);
        const account = info?.get(1)?.split(':').at(-1);
        return {
          remoteId: account === undefined || account === '' ? String(id) : `${id}.${account}`,
          name: info?.get(0) ?? '',
          enabled: true,
          groups: groups.filter(({ members }) => members.includes(id)).map(({ name }) => name),
        };
      }),
    );
  };
  return {
    accounts,
    groups: async () => (await admin.acl(0, call)).groups.map(({ name }) => ({ remoteId: name, name })),
    plantAccount: async (name) => {
      const id = await admin.register(new Map([[0, name]]), call);
      return { remoteId: String(id), name, enabled: true, groups: [] };
    },
    plantGroup: async (name) => ({ remoteId: name, name }),
    join: async () => undefined,
    openSession: (name, password) => server.logIn(name, password),
    login: (name, password) =>
      server.logIn(name, password).then(
        () => true,
        () => false,
      ),
  };
}
