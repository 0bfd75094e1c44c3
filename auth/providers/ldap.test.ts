import { connect, createServer } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TEST_CERTIFICATES } from '../../test/connectors/certificates';
import { createTestApi } from '../../test/environment/api';
import { freePort } from '../../runtime/ports';
import { describeWith } from '../../test/connectors/programs';
import { startSlapd } from '../../test/connectors/slapd';
import type { TestApi } from '../../test/environment/api';
import { escapedName, firstValue, isLdapWrite, ldapTools } from '../../test/connectors/ldap-tools';
import type { AddressInfo } from 'node:net';
import type { Slapd } from '../../test/connectors/slapd';
import { ldapSection } from './ldap-section';

const PASSWORD = 'secret of a person';

describe('the section of a directory', () => {
  const base = { base: 'dc=example,dc=org' };

  test.each([
    [{ url: 'ldap://directory.example.org' }, 'plaintext'],
    [{ url: 'https://directory.example.org' }, 'ldaps://'],
    [{ url: 'ldaps://d', bindPassword: 'a', bindPasswordFile: 'b' }, 'keep one'],
    [{ url: 'ldaps://d', filter: 'objectClass=person' }, 'parentheses'],
    [{ url: 'ldaps://d', unknown: 1 }, 'Unrecognized'],
  ])('%j is refused: %s', (section, message) => {
    const parsed = ldapSection.safeParse({ ...base, ...section });

    expect(parsed.error?.message).toContain(message);
  });
});

describeWith(['slapd', 'ldapmodify'], 'people of a directory', () => {
  let slapd: Slapd;
  let api: TestApi;
  let folder: string;
  let watch: WatchedPort;
  beforeAll(async () => {
    slapd = await startSlapd();
    const { userBase: base, groupBase } = slapd;
    await slapd.apply(`${people(base)}\n${groups(base, groupBase)}`);
    watch = await watchedPort(slapd.port);
    const { url, bindDn, bindPassword } = slapd.config as Readonly<Record<string, string>>;
    const section = {
      plaintext: true,
      bindDn,
      bindPassword,
      base,
      roles: { operator: ['Engine Room', `CN=Bridge, ${groupBase}`], auditor: ['nobody'], 'not-there': ['bridge'] },
      mailIsVerified: true,
      externalIdAttribute: 'employeeNumber',
    };
    const config = { ...section, url };
    const encrypted = { ...section, plaintext: false, url: `ldaps://127.0.0.1:${slapd.tlsPort}` };
    folder = mkdtempSync(join(tmpdir(), 'muster-ca-'));
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, TEST_CERTIFICATES.ca);
    api = await createTestApi({
      auth: {
        order: ['staff', 'away', 'local'],
        providers: {
          staff: { kind: 'ldap', config },
          'by-search': { kind: 'ldap', config: { ...config, groupBase, loginAttributes: ['mail'] } },
          watched: { kind: 'ldap', config: { ...config, url: watch.uri } },
          sealed: { kind: 'ldap', config: { ...encrypted, caFile } },
          'start-tls': { kind: 'ldap', config: { ...config, plaintext: false, startTls: true, caFile } },
          'unknown-authority': { kind: 'ldap', config: encrypted },
          'wrong-account': { kind: 'ldap', config: { ...config, bindPassword: 'canary-of-a-bind' } },
          away: { kind: 'ldap', config: { ...config, url: `ldap://127.0.0.1:${await freePort()}` } },
        },
      },
    });
  });
  afterAll(async () => {
    await api?.close();
    watch?.close();
    await slapd?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function logIn(username: string, password: string, provider = 'staff') {
    return api.anonymous('post', '/v1/auth').send({ provider, username, password });
  }

  test('log in with their name, in any case, and have the roles of their groups', async () => {
    const { body } = await logIn('ADA', PASSWORD).expect(200);

    expect(body.client).toMatchObject({ name: 'ada', provider: 'staff', roles: ['operator'] });
    expect(body.client.clientId).toMatch(/^[\da-f-]{36}$/);
    expect(api.logged()).toMatch(/auth\.unknown-roles.*not-there/);
    await api.as(body.token as string, 'get', '/v1/users').expect(200);
  });

  test('have no roles without groups', async () => {
    const { body } = await logIn('bob', PASSWORD).expect(200);

    expect(body.client.roles).toEqual([]);
    await api.as(body.token as string, 'get', '/v1/users').expect(403);
  });

  test('are found by the attributes and groups that the section names', async () => {
    const { body } = await logIn('ada@example.org', PASSWORD, 'by-search').expect(200);

    expect(body.client).toMatchObject({ name: 'ada', provider: 'by-search', roles: ['operator'] });
    await logIn('ada', PASSWORD, 'by-search').expect(401);
  });

  test.each([
    ['a wrong password', 'ada', 'not that one'],
    ['a name that nobody has', 'nobody', PASSWORD],
    ['a name that two have', 'twin', PASSWORD],
    ['who is no person', 'printer', PASSWORD],
    ['a filter in place of a name', '*', PASSWORD],
    ['a filter in place of a name', 'ada)(uid=*', PASSWORD],
    ['a DN in place of a name', 'uid=ada,ou=people,dc=example,dc=org', PASSWORD],
  ])('are not let in with %s: %s', async (_title, username, password) => {
    const { body } = await logIn(username, password).expect(401);

    expect(body.type).toBe('/problems/wrong-credentials');
  });

  test('are not let in without a password, though the directory would', async () => {
    await logIn('ada', '').expect(400);
    expect(await slapd.canLogIn('', 'x')).toBe(false);
  });

  test('are who they are by their id, whatever they are called', async () => {
    const before = await logIn('cora', PASSWORD).expect(200);
    await slapd.apply(
      `dn: uid=cora,${slapd.userBase}\nchangetype: modrdn\nnewrdn: uid=corinna\ndeleteoldrdn: 1\n\n` +
        person(slapd.userBase, { uid: 'cora', mail: 'another@example.org' }),
    );

    const after = await logIn('corinna', PASSWORD).expect(200);
    const another = await logIn('cora', PASSWORD).expect(200);

    expect(after.body.client).toMatchObject({ id: before.body.client.id as string, name: 'corinna' });
    expect(another.body.client.id).not.toBe(before.body.client.id);
  });

  test('are linked to their person by the key, or by the mail address that the directory answers for', async () => {
    const users = [
      { username: 'somebody', externalId: 'e-1' },
      { username: 'else', email: 'BOB@example.org' },
    ];
    const ids: string[] = [];
    for (const user of users) {
      const made = await api.call('post', '/v1/users').send(user).expect(202);
      ids.push((made.body as { user: { id: string } }).user.id);
    }

    const ada = await logIn('ada', PASSWORD).expect(200);
    const bob = await logIn('bob', PASSWORD).expect(200);

    expect([ada.body.client.user, bob.body.client.user]).toEqual(ids);
  });

  test('are kept out by an admin, and come back, without a word to the directory', async () => {
    const { body } = await logIn('dan', PASSWORD).expect(200);
    const path = `/v1/auth/clients/${(body as { client: { id: string } }).client.id}`;

    await api.call('post', `${path}/disable`).expect(204);
    await api.as(body.token as string, 'get', '/v1/auth').expect(401);
    await logIn('dan', PASSWORD).expect(401);
    await api.call('post', `${path}/enable`).expect(204);

    await logIn('dan', PASSWORD).expect(200);
  });

  test('are only read: nothing is ever written into the directory', async () => {
    const path = `/v1/auth/clients/${(await logIn('dan', PASSWORD, 'watched').expect(200)).body.client.id as string}`;
    await api.call('post', `${path}/disable`).expect(204);
    await api.call('post', `${path}/enable`).expect(204);
    await logIn('dan', 'not that one', 'watched').expect(401);
    expect(watch.requests.length).toBeGreaterThan(5);
    expect(watch.requests.filter(isLdapWrite)).toEqual([]);

    const dan = `uid=${escapedName('dan')},${slapd.userBase}`;
    const admin = { bindDn: 'cn=admin,dc=example,dc=org', password: 'admin-password', suffix: slapd.userBase };
    const tools = ldapTools({ ...admin, uri: watch.uri });
    await tools.apply(`dn: ${dan}\nchangetype: modify\nreplace: sn\nsn: seen\n`);
    const [entry] = await slapd.search(slapd.userBase, '(uid=dan)');
    expect(entry === undefined ? '' : firstValue(entry, 'sn')).toBe('seen');
    expect(watch.requests.filter(isLdapWrite)).toHaveLength(1);
  });

  test('get a further token as long as they are there, with the groups of that moment', async () => {
    const { body } = await logIn('eve', PASSWORD).expect(200);
    const token = body.token as string;
    await slapd.apply(
      `dn: cn=Engine Room,${slapd.groupBase}\nchangetype: modify\nadd: member\nmember: uid=eve,${slapd.userBase}\n`,
    );
    const further = await api.as(token, 'post', '/v1/auth/tokens').send({}).expect(201);
    expect(further.body.client.roles).toEqual(['operator']);

    await slapd.apply(`dn: uid=eve,${slapd.userBase}\nchangetype: delete\n`);

    await api.as(token, 'post', '/v1/auth/tokens').send({}).expect(404);
    await logIn('eve', PASSWORD).expect(401);
  });

  test('are asked over TLS, of a server whose certificate is right', async () => {
    await logIn('ada', PASSWORD, 'sealed').expect(200);
    await logIn('ada', PASSWORD, 'start-tls').expect(200);
    await logIn('ada', PASSWORD, 'unknown-authority').expect(503);
  });

  test('are listed by the directory itself', async () => {
    const { body } = await api.call('get', '/v1/auth/providers/staff/clients').expect(200);

    expect((body.items as readonly unknown[]).length).toBeGreaterThanOrEqual(5);
    await api.call('post', '/v1/auth/clients/create').send({ provider: 'staff' }).expect(501);
  });

  test('cannot come in while the directory is away or refuses our account; others can', async () => {
    await logIn('ada', PASSWORD, 'away').expect(503);
    await logIn('ada', PASSWORD, 'wrong-account').expect(503);
    await api.anonymous('post', '/v1/auth').send({ username: 'ada', password: PASSWORD }).expect(200);
    const { body } = await api.anonymous('get', '/health/ready').expect(200);

    expect(body.authProviders).toMatchObject({ staff: true, local: true, away: false, 'wrong-account': false });
    expect(api.logged()).not.toContain('canary-of-a-bind');
    expect(api.logged()).not.toContain(PASSWORD);
  });
});

interface WatchedPort {
  readonly uri: string;
  /** What was sent to the directory, piece by piece. */
  readonly requests: Buffer[];
  close(): void;
}

/** A port that hands everything on to the directory, and keeps what was asked. */
async function watchedPort(port: number): Promise<WatchedPort> {
  const requests: Buffer[] = [];
  const server = createServer((socket) => {
    const directory = connect(port, '127.0.0.1');
    socket.on('data', (bytes: Buffer) => void requests.push(bytes));
    for (const one of [socket, directory]) one.on('error', () => one.destroy());
    socket.pipe(directory).pipe(socket);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port: own } = server.address() as AddressInfo;
  return { uri: `ldap://127.0.0.1:${own}`, requests, close: () => void server.close() };
}

function person(base: string, { uid, ...more }: Readonly<Record<string, string>>): string {
  const fields = Object.entries({ sn: uid ?? '', cn: uid ?? '', userPassword: PASSWORD, ...more });
  const lines = fields.map(([name, value]) => `${name}: ${value}`).join('\n');
  return `dn: uid=${uid},${base}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: ${uid}\n${lines}\n`;
}

function people(base: string): string {
  const twin = `dn: cn=second,${base}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: second\nsn: second\nuid: twin\nuserPassword: ${PASSWORD}\n`;
  const printer = `dn: uid=printer,${base}\nchangetype: add\nobjectClass: account\nobjectClass: simpleSecurityObject\nuid: printer\nuserPassword: ${PASSWORD}\n`;
  const all = [
    { uid: 'ada', mail: 'ada@example.org', employeeNumber: 'e-1' },
    { uid: 'bob', mail: 'bob@example.org' },
    ...['cora', 'dan', 'eve', 'twin'].map((uid) => ({ uid })),
  ];
  return [...all.map((one) => person(base, one)), twin, printer].join('\n');
}

function groups(base: string, groupBase: string): string {
  const room = `dn: cn=Engine Room,${groupBase}\nchangetype: add\nobjectClass: groupOfNames\ncn: Engine Room\nmember: uid=ada,${base}\n`;
  const bridge = `dn: cn=bridge,${groupBase}\nchangetype: add\nobjectClass: groupOfNames\ncn: bridge\nmember: uid=ada,${base}\n`;
  return `${room}\n${bridge}`;
}
