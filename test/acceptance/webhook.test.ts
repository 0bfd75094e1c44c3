import { createHmac } from 'node:crypto';
import { pino } from 'pino';
import { deliverNotifications } from '../../activities/deliver-notifications';
import { openDatabase } from '../../store/database';
import type { Database } from '../../store/database';
import { notifyOperators } from '../../store/notify';
import { startTestEngine } from '../engine/engine';
import type { TestEngine } from '../engine/engine';
import { addMember, eventually, grantMembers } from '../engine/organisation';
import { registryOf, scriptedConnector, ScriptedTarget } from '../engine/scripted-target';
import { createTestDatabase } from '../environment/database';
import { apiOf } from './engine-api';
import { startWebhookReceiver } from './webhook-receiver';
import type { ReceivedCall, WebhookReceiver } from './webhook-receiver';

const SECRET = 'canary-webhook-secret';
const TOKEN = 'canary-service-token';

let receiver: WebhookReceiver;
let engine: TestEngine;
beforeAll(async () => {
  receiver = await startWebhookReceiver();
  engine = await startTestEngine({
    registry: registryOf(scriptedConnector(new ScriptedTarget())),
    webhook: { url: receiver.url, secret: SECRET },
  });
  const service = await engine.addService({ name: 'chat', connector: 'scripted', secrets: { token: TOKEN } });
  await grantMembers(engine, service.id);
});
afterAll(async () => {
  await engine?.close();
  await receiver?.close();
});

interface Notice {
  readonly id: string;
  readonly title: string;
}

function noticeOf(call: ReceivedCall): Notice {
  return JSON.parse(call.body) as Notice;
}

/** Tells the operators something, and answers the calls about it once one of them was taken. */
async function told(title: string): Promise<readonly ReceivedCall[]> {
  await notifyOperators(engine.db, { level: 'info', title, text: 'Read me.' });
  await eventually(`${title} was taken`, async () => {
    await engine.flowDeps.starter.sweepNow();
    return callsAbout(title).some(({ status }) => status < 300);
  });
  return callsAbout(title);
}

function callsAbout(title: string): readonly ReceivedCall[] {
  return receiver.calls.filter((call) => noticeOf(call).title === title);
}

describe('the webhook', () => {
  test('hears of an account that was taken away, signed as documented', async () => {
    const ada = await addMember(engine, 'ada');
    await apiOf(engine).call('patch', `/v1/users/${ada}`).send({ state: 'Guest' }).expect(202);

    const call = await eventually('the notification arrives', async () => {
      await engine.flowDeps.starter.sweepNow();
      return callsAbout('Your chat account was removed')[0];
    });

    const [, time = '', signature = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(call.signature) ?? [];
    expect(signature).toBe(createHmac('sha256', SECRET).update(`${time}.${call.body}`).digest('hex'));
    expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(60);
    expect(call.contentType).toBe('application/json');
    expect(JSON.parse(call.body)).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      recipient: `user:${ada}`,
      level: 'warning',
      title: 'Your chat account was removed',
      text: expect.stringContaining('no longer entitled'),
      service: 'chat',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  test('gets again what it did not take, with the same id', async () => {
    receiver.answers.push(500, 503);

    const calls = await told('A disk is full');

    expect(calls.map(({ status }) => status)).toEqual([500, 503, 204]);
    expect(new Set(calls.map((call) => noticeOf(call).id)).size).toBe(1);
  });

  test('gets nothing twice that it has taken', async () => {
    await told('First');
    await told('Second');

    const taken = receiver.calls.filter(({ status }) => status < 300).map((call) => noticeOf(call).id);
    expect(new Set(taken).size).toBe(taken.length);
  });

  test('is told no secret, and neither is the log', () => {
    const seen = receiver.calls.map(({ body, signature }) => body + signature).join() + engine.log.join();

    expect(seen).not.toContain(SECRET);
    expect(seen).not.toContain(TOKEN);
  });
});

describe('notifications that nobody takes', () => {
  let db: Database;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const database = await createTestDatabase({ migrated: true });
    drop = () => database.drop();
    db = openDatabase({ url: database.url, max: 2 });
  });
  afterAll(async () => {
    await db?.close();
    await drop?.();
  });

  const deliver = (webhook: { readonly url: string | undefined; readonly secret: string | undefined }) =>
    deliverNotifications({ db, log: pino({ level: 'silent' }), random: () => 0 }, webhook);

  test('are not tried without a webhook', async () => {
    await notifyOperators(db, { level: 'info', title: 'Nobody listens', text: 'Read me.' });

    expect(await deliver({ url: undefined, secret: undefined })).toBe(0);

    const kept = await db.query(`select delivery, delivery_attempts as attempts from notifications`);
    expect(kept.rows).toEqual([{ delivery: 'due', attempts: 0 }]);
  });

  test('are not sent to a webhook that comes days later', async () => {
    await db.query(`update notifications set created_at = clock_timestamp() - interval '3 days'`);
    const before = receiver.calls.length;

    expect(await deliver({ url: receiver.url, secret: SECRET })).toBe(0);

    expect(receiver.calls).toHaveLength(before);
  });
});
