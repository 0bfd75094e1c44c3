import { inspect } from 'node:util';
import { z } from 'zod';
import {
  HOOK_MEMBERS,
  Secret,
  ServiceHook,
  Throttled,
  Unavailable,
  defineConnector,
  hookOverrides,
  isConnector,
  isServiceError,
  managerAbilities,
  registerHook,
  renderServiceControl,
  takeRegistrations,
} from './index';
import type { HookContext, HookUser, Manager, ServiceControlView } from './index';

const person: HookUser = {
  id: '7',
  username: 'ada',
  displayName: 'Ada',
  email: null,
  active: true,
  state: 'Member',
  attributes: {},
  groups: [],
};

function context(calls: unknown[] = []): HookContext {
  const note =
    (name: string) =>
    async (...given: readonly unknown[]): Promise<never> => {
      calls.push([name, ...given]);
      return false as never;
    };
  return {
    service: { name: 'my-chat', title: undefined, url: 'https://chat.example.org', settings: {} },
    port: {
      start: note('start'),
      bulk: note('bulk'),
      remove: note('remove'),
      password: note('password'),
      granted: note('granted'),
      account: note('account'),
      linked: note('linked'),
    },
    storage: { query: note('query') },
  };
}

describe('abilities', () => {
  test('come from the methods of the class and of its ancestors', () => {
    class Base implements Manager {
      async deleteAccount(): Promise<'done'> {
        return 'done';
      }
    }
    class Derived extends Base {
      async endSessions(): Promise<'done'> {
        return 'done';
      }
    }

    expect(managerAbilities(Derived)).toEqual(['deleteAccount', 'endSessions']);
    expect(managerAbilities(undefined)).toEqual([]);
  });

  test('of a hook count overrides that come from a mixin', () => {
    const quiet = (Of: typeof ServiceHook): typeof ServiceHook =>
      class extends Of {
        override async updateGroups(): Promise<void> {}
      };
    const Quiet = quiet(ServiceHook);

    expect([...hookOverrides(new Quiet(context()))]).toEqual(['updateGroups']);
    expect([...hookOverrides(new ServiceHook(context()))]).toEqual([]);
  });
});

describe('the base hook', () => {
  test('starts the workflow of each member', async () => {
    const calls: unknown[] = [];
    const hook = new ServiceHook(context(calls));

    await hook.createAccount(person);
    await hook.validateUser(person);
    await hook.updateGroupsBulk([person]);
    await hook.updateAllGroups();
    await hook.deleteUser(person, { notifyUser: true });
    await hook.resetPassword(person);

    expect(calls).toEqual([
      ['start', 'createAccount', '7'],
      ['start', 'validateUser', '7', { notifyUser: true }],
      ['bulk', 'groups', ['7']],
      ['bulk', 'groups', undefined],
      ['remove', '7', { notifyUser: true }],
      ['password', '7', undefined],
    ]);
  });

  test('has every member that can be overridden, and a title', () => {
    const hook = new ServiceHook(context());

    expect(HOOK_MEMBERS.filter((member) => typeof hook[member] !== 'function')).toEqual([]);
    expect(hook.title).toBe('My Chat');
  });

  test('gives nobody inactive the service', async () => {
    class ForMembers extends ServiceHook {
      override serviceEnabledMembers(): boolean {
        return true;
      }
    }
    const hook = new ForMembers(context());

    expect(await hook.serviceActiveForUser(person)).toBe(true);
    expect(await hook.serviceActiveForUser({ ...person, state: 'Blue' })).toBe(false);
    expect(await hook.serviceActiveForUser({ ...person, active: false })).toBe(false);
  });
});

describe('the service row', () => {
  const view: ServiceControlView = {
    serviceName: '<b>Chat</b>',
    serviceUrl: 'javascript:alert(1)',
    username: `"><script>'`,
    status: 'active',
    urls: { activate: '/a', deactivate: '/d?x="1"' },
    buttons: [{ label: '<i>', url: '/more' }],
  };

  test('escapes everything and links only web addresses', () => {
    const row = renderServiceControl(view);

    expect(row).not.toMatch(/<b>|<script>|<i>|href="javascript|x="1"/);
    expect(row.match(/<td>/g)).toHaveLength(4);
  });

  test('hides the buttons that have no URL or make no sense now', () => {
    expect(renderServiceControl(view)).not.toMatch(/Activate|Reset password|Set password/);
    expect(renderServiceControl({ ...view, status: 'none' })).toMatch(/Activate/);
    const urls = { deactivate: '/d', resetPassword: '/r', setPassword: '/s' };
    expect(renderServiceControl({ ...view, urls })).toMatch(/Deactivate.*Reset password.*Set password/);
    const waiting = renderServiceControl({ ...view, urls, status: 'pending' });
    expect(waiting).toContain('Deactivate');
    expect(waiting).not.toContain('password');
  });
});

test('a secret shows itself to nobody who prints it', () => {
  const secret = new Secret('Canary');

  const shown = `${String(secret)} ${JSON.stringify({ secret })} ${inspect({ secret }, { depth: 5, showHidden: true })}`;

  expect(shown).not.toContain('Canary');
  expect(secret.reveal()).toBe('Canary');
});

test('typed errors and connectors are known across copies of the SDK', () => {
  const foreign = { [Symbol.for('muster.service-error')]: true, kind: 'unavailable' };
  const connector = defineConnector({ kind: 'x', title: 'X', sdk: 1, config: z.strictObject({}) });

  expect([isServiceError(foreign), isServiceError(new Unavailable('x')), isServiceError(new Error('x'))]).toEqual([
    true,
    true,
    false,
  ]);
  expect([isConnector(connector), isConnector({ ...connector }), isConnector({ kind: 'x' })]).toEqual([
    true,
    true,
    false,
  ]);
});

test('a throttle never asks to wait a negative time', () => {
  expect(new Throttled('slow', { retryAfterMs: -5 })).toMatchObject({
    retryAfterMs: 0,
    scope: 'service',
    kind: 'throttled',
  });
});

test('registrations belong to the module being loaded', () => {
  registerHook('menuItem', () => ({ label: 'x', url: '/x' }));

  expect(takeRegistrations().map(({ kind }) => kind)).toEqual(['menuItem']);
  expect(takeRegistrations()).toEqual([]);
});
