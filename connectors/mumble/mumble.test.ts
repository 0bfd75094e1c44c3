import { Secret } from '@muster/sdk';
import type {
  AccountRef,
  CallContext,
  GroupRef,
  HookHandler,
  HookRequest,
  HookResponse,
  HookUser,
  WorkflowPort,
} from '@muster/sdk';
import { startMurmur } from '../../test/connectors/murmur';
import type { MurmurServer } from '../../test/connectors/murmur';
import { describeWith, until } from '../../test/connectors/programs';
import { MumbleHook } from './hook';
import { MumbleManager } from './manager';
import { Murmur } from './murmur';
import { MumbleConfig } from './schema';

function call(): CallContext {
  return { signal: AbortSignal.timeout(15_000), timeoutMs: 15_000 };
}

describeWith(['murmurd'], 'on mumble-server', () => {
  let server: MurmurServer;
  let manager: MumbleManager;
  /** The server's administrator, past the manager. */
  let admin: Murmur;
  beforeAll(async () => {
    server = await startMurmur();
    manager = new MumbleManager(MumbleConfig.parse(server.config));
    admin = new Murmur(MumbleConfig.parse(server.config));
  });
  afterAll(async () => {
    await manager?.close();
    await admin?.close();
    await server?.stop();
  });

  async function person(name: string, password?: string): Promise<AccountRef> {
    const key = { userId: `u-${name}`, owner: 'test' };
    const profile = { name, nickname: name, displayName: name, email: null, attributes: {} };
    const made = await manager.createAccount({ key, profile }, call());
    if (made.outcome !== 'created') throw new Error(made.outcome);
    const ref = { remoteId: made.remoteId, name, key: { ...key, remoteId: made.remoteId } };
    if (password !== undefined) await manager.setPassword(ref, new Secret(password), call());
    return ref;
  }

  async function group(name: string): Promise<GroupRef> {
    return manager.ensureGroup({ key: `g-${name}`, owner: 'test', name }, call());
  }

  async function membersOf(name: string): Promise<readonly number[]> {
    return (await admin.acl(0, call())).groups.find((each) => each.name === name)?.add ?? [];
  }

  test('members, rules and groups of others stay when ours change', async () => {
    const [ada, ben] = [await person('ada'), await person('ben')];
    const pilots = await group('pilots');
    const before = await admin.acl(0, call());
    const stranger = await admin.register(new Map([[0, 'stranger']]), call());
    const groups = before.groups.map((each) => (each.name === 'pilots' ? { ...each, add: [stranger] } : each));
    const own = { applyHere: true, applySubs: true, inherited: false, userid: stranger, group: '', allow: 2, deny: 0 };
    await admin.setAcl(0, { ...before, groups, rules: [...before.rules, own] }, call());

    await manager.changeMembers(pilots, { add: [ada, ben], remove: [] }, call());
    await manager.changeMembers(pilots, { add: [], remove: [ben] }, call());

    expect(new Set(await membersOf('pilots'))).toEqual(new Set([stranger, Number(ada.remoteId.split('.')[0])]));
    expect((await admin.acl(0, call())).rules.at(-1)).toMatchObject({ userid: stranger, allow: 2 });
  });

  test('who is removed is kicked, and gets in no more', async () => {
    const cy = await person('cy', 'cys-password');
    const session = await server.logIn('cy', 'cys-password');

    expect(await manager.deleteAccount(cy, call())).toBe('done');

    await session.ended;
    expect(await admin.idOf('cy', call())).toBeUndefined();
  });

  test('ending sessions kicks, and the password goes on', async () => {
    const dee = await person('dee', 'dees-password');
    const session = await server.logIn('dee', 'dees-password');

    expect(await manager.endSessions(dee, call())).toBe('done');
    await session.ended;
    expect(await manager.endSessions(dee, call())).toBe('nothing there');

    await expect(server.logIn('dee', 'wrong')).rejects.toThrow('rejects');
    await server.logIn('dee', 'dees-password');
  });

  test('who gets the number of somebody who left is in none of their groups', async () => {
    const crew = await group('crew');
    const eve = await person('eve');
    await manager.changeMembers(crew, { add: [eve], remove: [] }, call());
    await manager.deleteAccount(eve, call());

    await person('eva');

    expect(await membersOf('crew')).toEqual([]);
  });

  describe('a temporary link', () => {
    interface Link {
      guest: number | null;
      readonly hash: string;
    }
    const links: Link[] = [];
    const user: HookUser = {
      id: 'u-ada',
      username: 'ada',
      displayName: 'Ada',
      email: null,
      active: true,
      state: 'Member',
      attributes: {},
      groups: [],
    };
    let entitled = true;

    /** The hook on the real server; of its table what these tests need. */
    function routes(): ReadonlyMap<string, (request: Partial<HookRequest>) => ReturnType<HookHandler>> {
      const refuse = async (): Promise<never> => Promise.reject(new Error('not called'));
      const port: WorkflowPort = {
        start: refuse,
        bulk: refuse,
        remove: refuse,
        password: refuse,
        granted: async () => entitled,
        account: refuse,
        linked: refuse,
      };
      const query = async (
        text: string,
        values: readonly unknown[] = [],
      ): Promise<readonly Record<string, unknown>[]> => {
        const hash = String(values[0]);
        const link = links.find((each) => each.hash === hash);
        if (text.startsWith('insert')) links.push({ hash, guest: null });
        else if (text.startsWith('delete')) return links.splice(0).map(({ guest }) => ({ guest_id: guest }));
        else if (text.includes('guest_id is null')) {
          if (link?.guest !== null) return [];
          link.guest = 0;
          return [{ left: 3_600_000 }];
        } else if (link !== undefined) link.guest = (values[2] as number | undefined) ?? null;
        return [{ expires_at: new Date() }];
      };
      const service = { name: 'voice', title: undefined, url: undefined, settings: {} };
      const handlers = new Map<string, HookHandler>();
      const add = (path: string, handler: HookHandler): void => void handlers.set(path, handler);
      new MumbleHook({ service, port, storage: { query } }).routes({
        get: add,
        post: add,
        publicGet: add,
        publicPost: add,
        call: (action, input) => manager.callAction(action, input, call()),
      });
      const empty = { method: 'POST', path: '', params: {}, query: {}, body: undefined, user };
      return new Map([...handlers].map(([path, handle]) => [path, (request) => handle({ ...empty, ...request })]));
    }

    async function post(route: string, request: Partial<HookRequest>): Promise<HookResponse> {
      const answer = await routes().get(route)?.(request);
      return answer ?? { status: 404 };
    }

    async function codeOf(hours: number): Promise<string> {
      const { path } = (await post('/links', { body: { hours } })).body as { readonly path: string };
      return path.split('/').at(-1) ?? '';
    }

    interface Login {
      readonly username: string;
      readonly password: string;
    }

    test('lets one guest in, and is used up then', async () => {
      const code = await codeOf(3);

      const login = await post('/links/:code', { params: { code }, body: { name: 'Fay' } });
      const again = await post('/links/:code', { params: { code }, body: { name: 'Flo' } });

      expect([login.status, again.status]).toEqual([201, 404]);
      const { username, password } = login.body as Login;
      await server.logIn(username, password);
      const listed = (await manager.listAccounts(undefined, call())).items.map(({ name }) => name);
      expect(listed).not.toContain(username);
    });

    test('ends all guests of who made it', async () => {
      const code = await codeOf(24);
      const login = await post('/links/:code', { params: { code }, body: { name: 'Gus' } });
      const { username, password } = login.body as Login;
      const session = await server.logIn(username, password);

      await post('/links/end', {});

      await session.ended;
      expect(await admin.idOf(username, call())).toBeUndefined();
    });

    test('is not for who has no right to the server, nor for any time', async () => {
      expect((await post('/links', { body: { hours: 5 } })).status).toBe(422);
      entitled = false;
      expect((await post('/links', { body: { hours: 3 } })).status).toBe(403);
      entitled = true;
    });

    test('puts its guest out when the time is over', async () => {
      const login = (await manager.callAction('let a guest in', { name: 'Hal', forMs: 300 }, call())) as Login;

      await until(async () => (await admin.idOf(login.username, call())) === undefined);
      expect(login.password).toHaveLength(12);
    });

    test('of a worker that died ends with the next listing', async () => {
      const other = new MumbleManager(MumbleConfig.parse(server.config));
      const login = (await other.callAction('let a guest in', { name: 'Ida', forMs: 1 }, call())) as Login;
      await other.close();

      await until(async () => {
        await manager.listAccounts(undefined, call());
        return (await admin.idOf(login.username, call())) === undefined;
      });
      expect(login.username).toBe('[guest]Ida');
    });
  });
});
