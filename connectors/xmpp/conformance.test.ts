import { createHash } from 'node:crypto';
import { describeConnector, startHttpProxy } from '@muster/sdk/conformance';
import type { ConformanceTarget, FarSide, SeenAccount } from '@muster/sdk/conformance';
import { connector } from '.';
import { fromLocalPart, toLocalPart } from './names';
import { startEjabberd } from '../../test/connectors/ejabberd';
import type { Ejabberd } from '../../test/connectors/ejabberd';
import { describeWith } from '../../test/connectors/programs';

describeWith(['ejabberdctl', 'erl'], 'xmpp on ejabberd', () => {
  describeConnector({
    connector,
    start: startTarget,
    transport: 'http',
    without: {
      'a group name taken by a foreigner is a conflict': 'the name is a label, which several groups may have',
    },
  });
});

/** Requests that only look are not worth losing; nor those to the registry, which every write begins with. */
const WRITES = /^\/api\/(register|unregister|change_password|srg_create|srg_user_(?:add|del)|ban_account|kick_user)$/;

async function startTarget(): Promise<ConformanceTarget> {
  const server = await startEjabberd();
  const proxy = await startHttpProxy(`http://127.0.0.1:${server.port}`);
  return {
    config: { ...server.config, url: `${proxy.url}/api` },
    secrets: [server.password, Buffer.from(`muster@localhost:${server.password}`).toString('base64')],
    prefix: 'muster.',
    impossibleNames: ['', 'Upper', ' lead', 'two  spaces', 'nul\u0000', 'x'.repeat(101), 'straße'],
    farSide: farSideOf(server),
    loseNextAnswer: () => proxy.loseNextAnswer(({ path }) => WRITES.test(path)),
    answerNext: (answer) => proxy.answerNext(answer),
    stop: async () => {
      await proxy.close();
      await server.stop();
    },
  };
}

function farSideOf(server: Ejabberd): FarSide {
  const host = 'localhost';
  const groupIds = async (): Promise<readonly string[]> => names(await server.command('srg_list', { host }));
  const seen = async (user: string, members: ReadonlyMap<string, readonly string[]>): Promise<SeenAccount> => ({
    remoteId: (await idOf(server, user)) ?? `jid:${user}`,
    name: fromLocalPart(user),
    enabled: !(await isBanned(server, user)),
    groups: [...members].filter(([, users]) => users.includes(`${user}@${host}`)).map(([group]) => group),
  });
  const memberLists = async (): Promise<ReadonlyMap<string, readonly string[]>> => {
    const ids = await groupIds();
    const lists = ids.map(async (group) => names(await server.command('srg_get_members', { group, host })));
    return new Map(await Promise.all(ids.map(async (id, index) => [id, (await lists[index]) ?? []] as const)));
  };
  return {
    accounts: async () => {
      const users = names(await server.command('registered_users', { host })).filter(
        (user) => !['muster', 'tests'].includes(user),
      );
      const members = await memberLists();
      return Promise.all(users.map((user) => seen(user, members)));
    },
    groups: async () => {
      const ids = await groupIds();
      const infos = ids.map((group) => server.command('srg_get_info', { group, host }));
      return Promise.all(ids.map(async (remoteId, index) => ({ remoteId, name: labelOf(await infos[index]) })));
    },
    plantAccount: async (name) => {
      await server.command('register', { user: toLocalPart(name), host, password: 'foreign' });
      return seen(toLocalPart(name), new Map());
    },
    plantGroup: async (name) => {
      await server.command('srg_create', { group: name, host, label: name, description: '', display: '' });
      return { remoteId: name, name };
    },
    join: async () => undefined,
    openSession: (name, password) => server.logIn(toLocalPart(name), password),
    login: async (name, password) =>
      (await server.command('check_password', { user: toLocalPart(name), host, password })) === 0,
  };
}

function names(answer: unknown): readonly string[] {
  return Array.isArray(answer) ? answer.map(String) : [];
}

function labelOf(info: unknown): string {
  const fields = Array.isArray(info) ? (info as readonly { readonly key: string; readonly value: string }[]) : [];
  return fields.find(({ key }) => key === 'label')?.value ?? '';
}

/** The registry as it lies on the server: the element of the name. */
async function stored(server: Ejabberd, user: string): Promise<Readonly<Record<string, string>>> {
  const ns = `urn:muster:${createHash('sha256').update(`name:localhost:${user}`).digest('hex')}`;
  const answer = await server.command('private_get', { user: 'muster', host: 'localhost', element: 'm', ns });
  const text = / v='([^']*)'/.exec(JSON.stringify(answer))?.[1];
  return text === undefined ? {} : (JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, string>);
}

async function idOf(server: Ejabberd, user: string): Promise<string | undefined> {
  return (await stored(server, user))['id'];
}

/** The ban itself shows only in that no password fits; the registry says that it was one. */
async function isBanned(server: Ejabberd, user: string): Promise<boolean> {
  return (await stored(server, user))['state'] === 'banned';
}
