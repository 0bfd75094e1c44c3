import { randomUUID } from 'node:crypto';
import { Secret } from '@muster/sdk';
import type { AccountRef, CallContext, GroupRef } from '@muster/sdk';
import { RabbitManager } from './manager';
import { RabbitConfig } from './schema';
import { openAmqp } from '../../test/connectors/amqp';
import type { AmqpSession } from '../../test/connectors/amqp';
import { describeWith, until } from '../../test/connectors/programs';
import { startRabbit } from '../../test/connectors/rabbitmq';
import type { Rabbit } from '../../test/connectors/rabbitmq';

const OWNER = 'test:1';
const call = (): CallContext => ({ signal: AbortSignal.timeout(30_000), timeoutMs: 30_000 });

describeWith(['rabbitmq-server', 'epmd'], 'rabbitmq', () => {
  let rabbit: Rabbit;
  let manager: RabbitManager;
  beforeAll(async () => {
    rabbit = await startRabbit();
    manager = new RabbitManager(RabbitConfig.parse({ ...rabbit.config, configure: '', tags: ['policymaker'] }));
  });
  afterAll(async () => {
    await manager.close();
    await rabbit.stop();
  });

  async function create(name: string): Promise<AccountRef> {
    const key = { userId: randomUUID(), owner: OWNER };
    const profile = { name, nickname: '', displayName: '', email: null, attributes: {} };
    const made = await manager.createAccount({ key, profile }, call());
    if (made.outcome !== 'created') throw new Error(`not created but ${made.outcome}`);
    return { remoteId: made.remoteId, name: made.name, key };
  }

  async function member(name: string): Promise<{ readonly ref: AccountRef; readonly host: GroupRef }> {
    const ref = await create(name);
    const key = { key: randomUUID(), owner: OWNER };
    const { remoteId } = await manager.ensureGroup({ ...key, name: `${name} host` }, call());
    const host = { remoteId, name: remoteId, ...key };
    await manager.setGroups(ref, { wanted: [host], managed: [host] }, call());
    await manager.setPassword(ref, new Secret('right horse'), call());
    return { ref, host };
  }

  const open = (name: string): Promise<AmqpSession> =>
    openAmqp(rabbit.amqpPort, { user: name, password: 'right horse', vhost: `${name} host` });

  test.each(['endSessions', 'deleteAccount'] as const)('%s ends the connections', async (method) => {
    const { ref } = await member(method);
    const session = await open(method);

    if (method === 'deleteAccount') await manager.deleteAccount(ref, call());
    // The management plugin hears of a connection some time after it was opened.
    else await until(async () => (await manager.endSessions(ref, call())) === 'done');

    await until(async () => session.isOver());
    expect(session.isOver()).toBe(true);
  });

  test('who is disabled comes back with the same password, or with one that was set meanwhile', async () => {
    const { ref } = await member('off');
    const login = async (password: string): Promise<boolean> =>
      !(await rabbit.login('off', password)).includes('Login failed');

    await manager.disableAccount(ref, call());
    const seen = [await login('right horse')];
    await manager.enableAccount(ref, call());
    seen.push(await login('right horse'));
    await manager.disableAccount(ref, call());
    await manager.setPassword(ref, new Secret('other horse'), call());
    seen.push(await login('other horse'));
    await manager.enableAccount(ref, call());
    seen.push(await login('other horse'), await login('right horse'));

    expect(seen).toEqual([false, true, false, true, false]);
  });

  test('a membership is the permission that is configured, and repaired when it was altered', async () => {
    const { ref, host } = await member('altered');
    const place = `permissions/${encodeURIComponent(host.remoteId)}/altered`;
    const made = await rabbit.ask('GET', place);
    await rabbit.ask('PUT', place, { configure: '.*', write: '.*', read: '.*' });

    const outcome = await manager.setGroups(ref, { wanted: [host], managed: [host] }, call());

    expect(made).toMatchObject({ configure: '', write: '.*', read: '.*' });
    expect(outcome).toBe('done');
    expect(await rabbit.ask('GET', place)).toEqual(made);
  });

  test('tags that others gave are kept', async () => {
    const ref = await create('tagged');
    const user = (await rabbit.ask('GET', 'users/tagged')) as { readonly tags: readonly string[] };
    await rabbit.ask('PUT', 'users/tagged', { ...user, tags: [...user.tags, 'vip'].join(',') });

    await manager.setPassword(ref, new Secret('right horse'), call());
    await manager.disableAccount(ref, call());
    await manager.enableAccount(ref, call());

    expect(await rabbit.ask('GET', 'users/tagged')).toMatchObject({ tags: ['policymaker', user.tags[1], 'vip'] });
  });

  test('the connection test wants an administrator', async () => {
    await rabbit.ask('PUT', 'users/watcher', { password: 'watch', tags: 'monitoring' });
    const weak = new RabbitManager(RabbitConfig.parse({ ...rabbit.config, user: 'watcher', password: 'watch' }));

    expect(await weak.testConnection(call())).toMatchObject({
      ok: false,
      missing: [expect.stringContaining('watcher')],
    });
    expect(await manager.testConnection(call())).toMatchObject({
      ok: true,
      remote: expect.stringMatching(/^RabbitMQ 3/),
    });
    await weak.close();
  });
});
