import { Secret } from '@muster/sdk';
import type { AccountRef, CallContext, GroupRef, NewAccount } from '@muster/sdk';
import { startFakeDiscord } from './fake';
import type { FakeDiscord } from './fake';
import type { FakeMember, FakeRole } from './fake-state';
import { InvalidRequests } from './invalid-requests';
import type { DiscordLink } from './link';
import { DiscordManager } from './manager';
import { nicknameOf } from './names';
import { DiscordConfig } from './schema';

const KICK_AND_ROLES = (1n << 1n) | (1n << 28n);
let fake: FakeDiscord;
let nowMs: number;
const managers: DiscordManager[] = [];

beforeEach(async () => {
  nowMs = 1_000_000;
  fake = await startFakeDiscord({ nowMs: () => nowMs });
});

afterEach(async () => {
  await Promise.all(managers.splice(0).map((each) => each.close()));
  await fake.stop();
});

function call(): CallContext {
  return { signal: AbortSignal.timeout(10_000), timeoutMs: 10_000 };
}

function manager(config: Partial<DiscordConfig> = {}, Kind = DiscordManager): DiscordManager {
  const made = new Kind({ token: fake.token, guildId: fake.state.guildId, baseUrl: fake.url, ...config });
  managers.push(made);
  return made;
}

function person(discordId?: string): NewAccount {
  const attributes = discordId === undefined ? {} : { discordId };
  return {
    key: { userId: '1', owner: 'test' },
    profile: { name: 'ada', nickname: 'Ada', displayName: 'Ada', email: null, attributes },
  };
}

function member(): { readonly ref: AccountRef; readonly seen: FakeMember } {
  const seen = fake.state.addMember(fake.state.addPerson('ada'));
  return { seen, ref: { remoteId: seen.id, name: 'ada', key: { userId: '1', owner: 'test', remoteId: seen.id } } };
}

function refOf({ id, name }: FakeRole): GroupRef {
  return { remoteId: id, name };
}

describe('limits', () => {
  test('a full bucket throttles its route, with seconds read as seconds', async () => {
    fake.limits.settings = { ...fake.limits.settings, perRoute: 1, routeWindowMs: 64_570 };
    const { ref } = member();
    await manager().setNickname(ref, 'One', call());
    nowMs += 570;

    const second = manager().setNickname(ref, 'Two', call());

    await expect(second).rejects.toMatchObject({ kind: 'throttled', retryAfterMs: 64_000, scope: 'route' });
  });

  test('the global limit throttles everything', async () => {
    fake.limits.settings = { ...fake.limits.settings, globalPerSecond: 1 };
    const { ref } = member();

    const change = manager().setNickname(ref, 'One', call());

    await expect(change).rejects.toMatchObject({ kind: 'throttled', retryAfterMs: 1000, scope: 'service' });
  });

  test('a shared limit throttles its route and does not count as invalid', async () => {
    const { ref } = member();
    fake.limits.share(`PATCH /guilds/${fake.state.guildId}/members/{}`, 1_336_570);

    const change = manager().setNickname(ref, 'One', call());

    await expect(change).rejects.toMatchObject({ kind: 'throttled', retryAfterMs: 1_337_000, scope: 'route' });
    expect(fake.limits.invalid).toBe(0);
  });

  test('the budget is told what every answer says', async () => {
    const told: unknown[] = [];
    const { ref } = member();

    await manager().setNickname(ref, 'One', { ...call(), observe: (seen) => told.push(seen) });

    expect(told).toMatchObject([
      {
        route: 'GET /guilds/{}/members/{}',
        limit: 10_000,
        remaining: 9_999,
        resetMs: 1000,
        scope: 'route',
        refused: false,
      },
      { route: 'PATCH /guilds/{}/members/{}', remaining: 9_999, refused: false },
    ]);
  });

  test('a banned address stays away for as long as the ban counts', async () => {
    fake.limits.settings = { ...fake.limits.settings, maxInvalid: 1 };
    const stranger = manager({ token: 'wrong' });
    await expect(stranger.listAccounts(undefined, call())).rejects.toMatchObject({ kind: 'misconfigured' });

    const banned = manager().listAccounts(undefined, call());

    await expect(banned).rejects.toMatchObject({ kind: 'throttled', scope: 'service', retryAfterMs: 600_000 });
  });

  test('invalid requests stop long before the address is banned', () => {
    const invalid = new InvalidRequests(2);
    invalid.note(403, null, 0);
    invalid.note(429, 'shared', 1);
    invalid.note(404, null, 2);
    invalid.check(3);
    invalid.note(429, 'user', 1000);

    expect(() => invalid.check(2000)).toThrow(expect.objectContaining({ kind: 'throttled', retryAfterMs: 598_000 }));
    expect(() => invalid.check(600_000)).not.toThrow();
  });
});

describe('joining', () => {
  class Linked extends DiscordManager {
    protected override async linkOf(): Promise<DiscordLink> {
      const [userId = '', { accessToken = '' } = {}] = [...fake.state.people].at(-1) ?? [];
      return { userId, accessToken: new Secret(accessToken) };
    }
  }

  test('somebody without a linked account is asked to link one', async () => {
    await expect(manager().createAccount(person(), call())).resolves.toMatchObject({
      outcome: 'action required',
      instruction: 'Link your Discord account.',
    });
  });

  test('somebody who cannot be added is told where to join, and found when they have', async () => {
    const id = fake.state.addPerson('ada');
    const ours = manager({ inviteUrl: 'https://discord.gg/lab' });

    await expect(ours.createAccount(person(id), call())).resolves.toMatchObject({
      outcome: 'action required',
      remoteId: id,
      instruction: expect.stringContaining('https://discord.gg/lab') as string,
    });
    fake.state.addMember(id);
    await expect(ours.createAccount(person(id), call())).resolves.toEqual({
      outcome: 'already existed',
      remoteId: id,
      name: 'ada',
    });
  });

  test('an access token of the linked account adds them, with their nickname and without roles', async () => {
    const id = fake.state.addPerson('ada');

    await expect(manager({}, Linked).createAccount(person(), call())).resolves.toMatchObject({ outcome: 'created' });

    expect(fake.state.members.get(id)).toMatchObject({ nick: 'Ada', roles: [] });
  });

  test('a token that was withdrawn is no fault of the configuration', async () => {
    const id = fake.state.addPerson('ada');
    fake.state.people.set(id, { username: 'ada', accessToken: 'withdrawn' });
    class Withdrawn extends DiscordManager {
      protected override async linkOf(): Promise<DiscordLink> {
        return { userId: id, accessToken: new Secret('old') };
      }
    }

    await expect(manager({}, Withdrawn).createAccount(person(), call())).rejects.toMatchObject({ kind: 'rejected' });
  });
});

describe('roles', () => {
  test('managed, reserved and foreign roles are kept', async () => {
    const { ref, seen } = member();
    const [ours, reserved] = [fake.state.addRole({ name: 'crew' }), fake.state.addRole({ name: 'Admins' })];
    const booster = fake.state.addRole({ name: 'Booster', managed: true });
    const foreign = fake.state.addRole({ name: 'Birthday' });
    seen.roles = [reserved.id, booster.id, foreign.id];
    const managed = [refOf(ours), refOf(reserved)];

    await manager({ reservedRoles: ['Admins'] }).setGroups(ref, { wanted: [refOf(ours)], managed }, call());
    expect(new Set(seen.roles)).toEqual(new Set([reserved.id, booster.id, foreign.id, ours.id]));
    await manager({ reservedRoles: [reserved.id] }).setGroups(ref, { wanted: [], managed }, call());

    expect(new Set(seen.roles)).toEqual(new Set([reserved.id, booster.id, foreign.id]));
  });

  test('roles that are right already cost one request and no write', async () => {
    const { ref, seen } = member();
    const role = fake.state.addRole({ name: 'crew' });
    seen.roles = [role.id];

    const groups = { wanted: [refOf(role)], managed: [refOf(role)] };
    expect(await manager().setGroups(ref, groups, call())).toBe('unchanged');

    expect(fake.journal.map(({ method }) => method)).toEqual(['GET']);
  });

  test('a role above the bot is one account, not the whole service', async () => {
    const { ref } = member();
    const above = fake.state.addRole({ name: 'Owner', position: 201 });

    const setting = manager().setGroups(ref, { wanted: [refOf(above)], managed: [refOf(above)] }, call());

    await expect(setting).rejects.toMatchObject({ kind: 'rejected', code: 'discord-50013' });
  });

  test('a leftover of a role that is gone is dropped', async () => {
    const { ref, seen } = member();
    const role = fake.state.addRole({ name: 'crew' });
    seen.roles = ['123'];

    const groups = { wanted: [refOf(role)], managed: [refOf(role)] };
    expect(await manager().setGroups(ref, groups, call())).toBe('done');

    expect(seen.roles).toEqual([role.id]);
  });

  test('a role is made once and without permissions, and the audit log says whose it is', async () => {
    const group = { key: 'k1', owner: 'test', name: 'crew' };
    const [first, second] = [await manager().ensureGroup(group, call()), await manager().ensureGroup(group, call())];

    expect([first.outcome, second.outcome]).toEqual(['created', 'already existed']);
    const posted = fake.journal.filter(({ method }) => method === 'POST');
    expect(posted).toMatchObject([{ reason: 'muster:test:group:k1', body: '{"name":"crew","permissions":"0"}' }]);
  });

  test('a role of that name is taken over only where the configuration says so', async () => {
    const role = fake.state.addRole({ name: 'crew' });
    const group = { key: 'k1', owner: 'test', name: 'crew' };

    await expect(manager().ensureGroup(group, call())).rejects.toMatchObject({ kind: 'conflict' });
    await expect(manager({ adoptRoles: true }).ensureGroup(group, call())).resolves.toMatchObject({
      remoteId: role.id,
    });
    const reserved = manager({ adoptRoles: true, reservedRoles: ['crew'] }).ensureGroup(group, call());
    await expect(reserved).rejects.toMatchObject({ kind: 'conflict' });
  });
});

describe('members', () => {
  test('who has left Discord or the server counts as gone', async () => {
    const { ref } = member();
    fake.state.members.delete(ref.remoteId);

    expect(await manager().setNickname(ref, 'x', call())).toBe('gone');
    expect(await manager().deleteAccount(ref, call())).toBe('nothing there');
    fake.state.people.delete(ref.remoteId);
    expect(await manager().deleteAccount(ref, call())).toBe('nothing there');
  });

  test('another server than that of the configuration is no reason to call everybody gone', async () => {
    const { ref } = member();

    const elsewhere = manager({ guildId: '7' }).deleteAccount(ref, call());

    await expect(elsewhere).rejects.toMatchObject({ kind: 'misconfigured', code: 'discord-10004' });
  });

  test('a nickname is cut to what Discord takes, and taken away by an empty one', async () => {
    const { ref, seen } = member();

    await manager().setNickname(ref, ` ${'a'.repeat(31)}👩‍👩 `, call());
    expect(seen.nick).toBe('a'.repeat(31));
    await manager().setNickname(ref, '', call());
    expect(seen.nick).toBeNull();
    expect(await manager({ setNicknames: false }).setNickname(ref, 'x', call())).toBe('unchanged');
    expect(nicknameOf('👩'.repeat(20))).toHaveLength(32);
  });

  test('a kick is told in the audit log, under the user agent that Discord asks for', async () => {
    const { ref } = member();

    await manager().deleteAccount(ref, call());

    expect(fake.state.members.has(ref.remoteId)).toBe(false);
    expect(fake.journal.at(-1)).toMatchObject({ method: 'DELETE', status: 204, reason: 'Muster: no longer entitled' });
    expect(fake.journal.at(-1)?.userAgent).toMatch(/^DiscordBot \(.+, \d+\.\d+\.\d+\)$/);
  });

  test('bots are not listed', async () => {
    const { ref } = member();

    const { items } = await manager().listAccounts(undefined, call());

    expect(items.map(({ remoteId }) => remoteId)).toEqual([ref.remoteId]);
  });
});

describe('the connection test', () => {
  test('names the rights that the bot lacks and the roles above it', async () => {
    fake.state.allow(KICK_AND_ROLES);
    fake.state.addRole({ name: 'Owner', position: 300 });

    const report = await manager().testConnection(call());

    expect(report.ok).toBe(false);
    expect(report.missing.join(' ')).toMatch(/Create Invite.*View Audit Log.*Manage Nicknames.*"Owner"/);
  });

  test('lets a refused token pass as what it is', async () => {
    await expect(manager({ token: 'wrong' }).testConnection(call())).rejects.toMatchObject({ kind: 'misconfigured' });
  });
});

test('an address without the version of the API is refused', () => {
  const config = { token: 't', guildId: '1' };

  expect(DiscordConfig.safeParse({ ...config, baseUrl: 'https://discord.com/api' }).success).toBe(false);
  expect(DiscordConfig.safeParse({ ...config, baseUrl: 'https://discord.com/api/v6' }).success).toBe(false);
  expect(DiscordConfig.safeParse({ ...config, baseUrl: 'https://discord.com/api/v10' }).success).toBe(true);
});
