import { z } from 'zod';
import { defineConnector, ServiceHook } from '../sdk/index';
import type { Connector, ConnectorDefinition, HookContext, HookUser, Manager } from '../sdk/index';
import type { EngineService } from '../store/engine-services';
import { abilitiesOf, hookFor, INERT_PORT, membershipOf } from './service-hooks';

const SERVICE = {
  id: 's',
  name: 'chat',
  title: null,
  url: 'https://chat.example.org',
  connector: 'chat',
  config: { room: 'main' },
} as unknown as EngineService;
const ADA: HookUser = {
  id: 'u',
  username: 'ada',
  displayName: 'Ada',
  email: null,
  active: true,
  state: 'Member',
  attributes: {},
  groups: [],
};

function registry(parts: Partial<ConnectorDefinition<unknown>>): { get: (kind: string) => Connector | undefined } {
  const connector = defineConnector({ kind: 'chat', title: 'Chat', sdk: 1, config: z.unknown(), ...parts });
  return { get: (kind) => (kind === 'chat' ? connector : undefined) };
}

class CreateOnly implements Manager {
  constructor() {
    throw new Error('abilities are read without building it');
  }
  async createAccount() {
    return { outcome: 'created', remoteId: '1', name: 'a' } as const;
  }
}

class GroupManager extends CreateOnly {
  static readonly membership = 'by group';
  async changeMembers() {
    return 'done' as const;
  }
}

class ResettingHook extends ServiceHook {
  override async resetPassword(): Promise<void> {}
}

/** A mixin counts as well: what matters is what is called in the end. */
class DerivedHook extends ResettingHook {
  override readonly nameFormat = '{state}-{username}';
}

describe('what a service can do', () => {
  test('is read from the methods of its manager, without building it', () => {
    expect(abilitiesOf(registry({ manager: CreateOnly }), SERVICE)).toMatchObject({
      manager: ['createAccount'],
      hook: [],
      actions: ['createAccount'],
      membership: 'none',
    });
  });

  test('methods that are inherited count', () => {
    const abilities = abilitiesOf(registry({ manager: GroupManager }), SERVICE);

    expect(abilities).toMatchObject({ manager: ['createAccount', 'changeMembers'], membership: 'by group' });
    expect(abilities.actions).toEqual(['createAccount', 'updateGroups']);
  });

  test('is more where the hook overrides, also in a class above', () => {
    const hook = (context: HookContext): ServiceHook => new DerivedHook(context);

    expect(abilitiesOf(registry({ hook }), SERVICE)).toMatchObject({
      manager: [],
      hook: ['resetPassword'],
      actions: ['resetPassword'],
    });
  });

  test('of a connector that is not loaded is nothing', () => {
    expect(abilitiesOf({ get: () => undefined }, SERVICE)).toMatchObject({
      manager: [],
      hook: [],
      actions: [],
      membership: 'none',
    });
    expect(membershipOf(undefined)).toBe('none');
  });
});

describe('the hook of a service', () => {
  test('is new for every use, and knows its service', () => {
    const seen: HookContext[] = [];
    const parts = registry({ hook: (context) => (seen.push(context), new ServiceHook(context)) });

    const hook = hookFor(parts, SERVICE, INERT_PORT);

    expect(hook).not.toBe(hookFor(parts, SERVICE, INERT_PORT));
    expect(hook).toMatchObject({ name: 'chat', title: 'Chat', serviceUrl: 'https://chat.example.org' });
    expect(seen[0]?.service).toEqual({
      name: 'chat',
      title: undefined,
      url: 'https://chat.example.org',
      settings: { room: 'main' },
    });
  });

  test('says with the older questions whom it is enabled for; by default nobody', async () => {
    const base = hookFor(registry({}), SERVICE, { ...INERT_PORT, granted: async () => false });

    expect(['Member', 'Blue', 'Guest'].map((state) => base.serviceEnabledFor(state))).toEqual([false, false, false]);
    expect([base.serviceEnabledMembers(), base.serviceEnabledBlues()]).toEqual([false, false]);
    expect(await base.serviceActiveForUser(ADA)).toBe(false);
  });

  test('gives the right by grant or by state, and never to who is inactive', async () => {
    const granted = hookFor(registry({}), SERVICE, { ...INERT_PORT, granted: async () => true });
    class MemberHook extends ServiceHook {
      override serviceEnabledMembers(): boolean {
        return true;
      }
    }
    const byState = hookFor(registry({ hook: (context) => new MemberHook(context) }), SERVICE, {
      ...INERT_PORT,
      granted: async () => false,
    });

    expect(await granted.serviceActiveForUser(ADA)).toBe(true);
    expect(await granted.serviceActiveForUser({ ...ADA, active: false })).toBe(false);
    expect(await byState.serviceActiveForUser(ADA)).toBe(true);
    expect(await byState.serviceActiveForUser({ ...ADA, state: 'Blue' })).toBe(false);
  });

  test('that is only asked what it can do cannot act', async () => {
    await expect(hookFor(registry({}), SERVICE, INERT_PORT).createAccount(ADA)).rejects.toThrow('not to act');
  });
});
