import { mailDesk } from '../../auth/mail/setup';
import { configSchema } from '../../config/schema';
import { createClient } from '../../store/auth-clients';
import { notifyOperators, notifyUser } from '../../store/notify';
import { createUser } from '../../store/users';
import { apiOf } from '../acceptance/engine-api';
import type { EngineApi } from '../acceptance/engine-api';
import { startTestEngine } from '../engine/engine';
import type { TestEngine } from '../engine/engine';
import { BY, eventually } from '../engine/organisation';
import { testToken } from '../environment/identity';
import { databaseDump, histories, leaksIn } from '../security/leaks';
import { MAIL_LOGIN, startMailServer } from './mail-server';
import type { ArrivedMail, MailServer } from './mail-server';

const PUBLIC_URL = 'https://muster.example.org';
const OPERATORS = ['ops@example.org', 'night@example.org'];
let server: MailServer;
let engine: TestEngine;
let api: EngineApi;
beforeAll(async () => {
  server = await startMailServer();
  const config = configSchema.parse({
    mail: { smtpUrl: server.url, from: 'Muster <muster@example.org>', operators: OPERATORS },
  });
  engine = await startTestEngine({
    publicUrl: PUBLIC_URL,
    mail: (db, sealer) => mailDesk({ config, db, sealer, log: engineLog(), publicUrl: PUBLIC_URL }),
  });
  api = apiOf(engine);
}, 120_000);
afterAll(async () => {
  await engine.close();
  await server.close();
});
beforeEach(() => {
  server.mails.length = 0;
  server.refuse(undefined);
});

/** Lines of the mail desk: its own, so that they can be searched. */
const lines: string[] = [];
function engineLog(): Parameters<typeof mailDesk>[0]['log'] {
  const note = (fields: unknown): void => void lines.push(JSON.stringify(fields));
  return { info: note, warn: note, error: note } as unknown as Parameters<typeof mailDesk>[0]['log'];
}

async function person(username: string, email: string | null = `${username}@example.org`): Promise<string> {
  return (await createUser(engine.db, { username, email, displayName: `${username} Example` }, BY)).record.id;
}

async function login(name: string, metadata: Readonly<Record<string, unknown>> = {}): Promise<void> {
  await createClient(engine.db, { name, provider: 'local', providerId: name, roles: [], acl: [], metadata });
}

const arrived = (to: string): Promise<ArrivedMail> =>
  eventually(`a mail to ${to}`, async () => server.mails.find((mail) => mail.to.includes(to)));

const tokenIn = (mail: ArrivedMail): string => /#token=([\w-]+)/.exec(mail.text)?.[1] ?? '';

function setPassword(token: string, password: string): ReturnType<EngineApi['anonymous']> {
  return api.anonymous('post', '/v1/auth/password').set('Authorization', `Bearer ${token}`).send({ password });
}

/** How the newest mail of a kind stands. */
async function statusOf(kind: string): Promise<string | undefined> {
  const rows = await engine.db.query<{ status: string }>(
    `select status from mails where kind = $1 order by created_at desc limit 1`,
    [kind],
  );
  return rows.rows[0]?.status;
}

describe('an invitation', () => {
  test('brings a link with which the person chooses a first password, once', async () => {
    await person('ada');

    const asked = await api.call('post', '/v1/users/username:ada/invitation').set('Prefer', 'wait=20').expect(200);

    expect(asked.body).toMatchObject({ operation: { kind: 'sendInvitation', status: 'succeeded', outcome: 'sent' } });
    const mail = await arrived('ada@example.org');
    expect(mail.from).toBe('muster@example.org');
    expect(mail.header('Subject')).toBe('Your login ada');
    expect(mail.text).toContain('Hello ada Example,');
    expect(mail.text).toContain(`${PUBLIC_URL}/password#token=`);
    const token = tokenIn(mail);
    await setPassword(token, 'correct horse battery').expect(204);
    await setPassword(token, 'another password').expect(401);
    const session = await api
      .anonymous('post', '/v1/auth')
      .send({ username: 'ada', password: 'correct horse battery' })
      .expect(200);
    const { token: own } = session.body as { readonly token: string };
    expect((await api.as(own, 'get', '/v1/auth').expect(200)).body).toMatchObject({ client: { name: 'ada' } });
    // Who has a password asks for a new one; and nobody can invite without the right to.
    await api.call('post', '/v1/users/username:ada/invitation').expect(409);
    await api.as(own, 'post', '/v1/users/username:ada/invitation').expect(403);
  });

  test('needs an address, an active person, and a login name that is nobody elses', async () => {
    await person('bob', null);
    await person('carl');
    await login('carl');

    await api.call('post', '/v1/users/username:bob/invitation').expect(422);
    await api.call('post', '/v1/users/username:carl/invitation').expect(409);
    await api.call('post', '/v1/users/username:nobody/invitation').expect(404);
  });
});

describe('a forgotten password', () => {
  const ask = (name: string): ReturnType<EngineApi['anonymous']> =>
    api.anonymous('post', '/v1/auth/password/reset').send({ login: name });

  test('is asked for by name or address; the answer is the same for everybody, the mail is not', async () => {
    await login('dora', { email: 'dora@example.org' });

    const known = await ask('DORA@example.org').expect(204);
    const mail = await arrived('dora@example.org');
    const unknown = await ask('who-is-that').expect(204);
    await eventually('the other was dropped', async () => (await statusOf('password-reset')) === 'dropped');

    expect(Object.keys(unknown.headers)).toEqual(Object.keys(known.headers));
    expect(server.mails).toHaveLength(1);
    await setPassword(tokenIn(mail), 'a new password of dora').expect(204);
    const body = { username: 'dora', password: 'a new password of dora' };
    await api.anonymous('post', '/v1/auth').send(body).expect(200);
    await ask('dora').expect(204);
    await eventually('a second one so soon is dropped', async () => {
      const dropped = await engine.db.query(`select from mails where error like '%five minutes%'`);
      return dropped.rowCount === 1;
    });
  });

  test('is not lost while the mail server is away, and goes once it is back', async () => {
    await login('emil', { email: 'emil@example.org' });
    server.refuse({ status: 450 });

    await ask('emil').expect(204);
    await eventually('a try has failed', async () => {
      const tried = await engine.db.query(
        `select from mails where attempts > 0 and status = 'due' and error is not null`,
      );
      return tried.rowCount === 1;
    });
    server.refuse(undefined);
    await engine.db.query(`update mails set next_try = clock_timestamp() where status = 'due'`);
    await engine.flowDeps.starter.sweepNow();

    await setPassword(tokenIn(await arrived('emil@example.org')), 'a new password of emil').expect(204);
  });

  test('that was sent twice because an answer was lost has the same Message-ID, and one link ends the other', async () => {
    await login('fritz', { email: 'fritz@example.org' });
    server.refuse({ status: 421, after: 'the mail was taken' });
    await ask('fritz').expect(204);
    await arrived('fritz@example.org');
    await eventually('the try counts as failed', async () => {
      const waits = await engine.db.query(`select from mails where status = 'due' and error is not null`);
      return waits.rowCount === 1;
    });
    server.refuse(undefined);
    await engine.db.query(`update mails set next_try = clock_timestamp() where status = 'due'`);
    await engine.flowDeps.starter.sweepNow();
    await eventually('it came again', async () => server.mails.length === 2);

    const [first, second] = server.mails;
    expect(first?.header('Message-ID')).toBe(second?.header('Message-ID'));
    await setPassword(tokenIn(second as ArrivedMail), 'a new password of fritz').expect(204);
    await setPassword(tokenIn(first as ArrivedMail), 'another of fritz').expect(401);
  });

  test('is given up when the server will never take the address', async () => {
    await login('gerda', { email: 'gerda@example.org' });
    server.refuse({ status: 550 });

    await ask('gerda').expect(204);

    await eventually('it has failed', async () => (await statusOf('password-reset')) === 'failed');
    const operations = await api.call('get', '/v1/operations?limit=1').expect(200);
    expect(operations.body).toMatchObject({
      items: [{ kind: 'sendPasswordReset', status: 'failed', outcome: 'the mail server answered 550' }],
    });
  });
});

describe('a notification', () => {
  test('goes to its person, and to the operators, as text and as harmless HTML', async () => {
    const userId = await person('hans');
    const text = 'It was <b>removed</b>\r\nBcc: spy@example.org {{link}}';
    await notifyUser(engine.db, { userId, level: 'info', title: 'Your chat\r\nX-Evil: yes', text });
    await notifyOperators(engine.db, { level: 'danger', title: 'Look', text: 'at the guard' });

    await engine.flowDeps.starter.sweepNow();

    const mail = await arrived('hans@example.org');
    expect(mail.header('Subject')).toBe('Your chat X-Evil: yes');
    expect(mail.header('X-Evil')).toBeUndefined();
    expect(mail.to).toEqual(['hans@example.org']);
    expect(mail.raw).toContain('&lt;b&gt;removed');
    const toOperators = await arrived('night@example.org');
    expect(toOperators.to).toEqual(OPERATORS);
    await engine.flowDeps.starter.sweepNow();
    await eventually('every notification was looked at', async () => {
      const left = await engine.db.query(`select from notifications where mail = 'due'`);
      return left.rowCount === 0;
    });
  });
});

describe('a notification to somebody who wants no mails', () => {
  test('stays in the API; a person says so for themselves, and for nobody else', async () => {
    const userId = await person('iris');
    const { token } = await testToken(api.identity, { userId });
    expect((await api.as(token, 'get', '/v1/users/me/mails').expect(200)).body).toEqual({ notifications: true });
    await person('jane');
    await api.as(token, 'put', '/v1/users/username:jane/mails').send({ notifications: false }).expect(403);

    await api.as(token, 'put', '/v1/users/me/mails').send({ notifications: false }).expect(200);
    await notifyUser(engine.db, { userId, level: 'info', title: 'Quiet', text: 'not by mail' });
    await notifyUser(engine.db, {
      userId: await person('karl'),
      level: 'info',
      title: 'Loud',
      text: 'by mail',
    });
    await engine.flowDeps.starter.sweepNow();

    await arrived('karl@example.org');
    expect(server.mails.filter((mail) => mail.to.includes('iris@example.org'))).toEqual([]);
    const listed = await api.call('get', `/v1/notifications?recipient=${userId}`).expect(200);
    expect(listed.body).toMatchObject({ items: [{ title: 'Quiet' }] });
  });
});

describe('mails', () => {
  test('leave no secret anywhere: no link, no address in histories, no password', async () => {
    await login('ida', { email: 'ida-canary@example.org' });
    await api.anonymous('post', '/v1/auth/password/reset').send({ login: 'typed-canary-instead' }).expect(204);
    await api.anonymous('post', '/v1/auth/password/reset').send({ login: 'ida' }).expect(204);
    const token = tokenIn(await arrived('ida-canary@example.org'));
    await setPassword(token, 'a-canary-password-of-ida').expect(204);

    const places = [
      ...(await databaseDump(engine.db)),
      ...(await histories(engine)),
      { where: 'the log', text: engine.log.join('\n') + lines.join('\n') },
    ];
    const secrets = {
      token,
      password: 'a-canary-password-of-ida',
      'what was typed': 'typed-canary-instead',
      'mail server': MAIL_LOGIN.password,
    };
    expect(leaksIn(places, secrets)).toEqual([]);
    const elsewhere = places.filter(({ where }) => where !== 'auth_clients.metadata');
    expect(leaksIn(elsewhere, { address: 'ida-canary@example.org' })).toEqual([]);
  });
});
