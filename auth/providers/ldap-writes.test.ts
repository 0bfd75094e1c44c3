import { startTcpProxy } from '../../sdk/testing/tcp-proxy';
import type { TcpProxy } from '../../sdk/testing/tcp-proxy';
import { createTestApi } from '../../test/environment/api';
import type { TestApi } from '../../test/environment/api';
import { firstValue, isLdapWrite } from '../../test/connectors/ldap-tools';
import { describeWith } from '../../test/connectors/programs';
import { startSlapd } from '../../test/connectors/slapd';
import type { Slapd } from '../../test/connectors/slapd';
import { databaseDump, leaksIn } from '../../test/security/leaks';
import { dueClientWrites } from '../../store/client-writes';

const PASSWORD = 'canary-of-a-directory';
const ANOTHER = 'another-canary-of-a-directory';

describeWith(['slapd', 'ldapmodify'], 'clients that are written into a directory', () => {
  let slapd: Slapd;
  let proxy: TcpProxy;
  let api: TestApi;
  beforeAll(async () => {
    slapd = await startSlapd();
    const { userBase: base, groupBase } = slapd;
    for (const cn of ['Engine Room', 'bridge'])
      await slapd.apply(
        `dn: cn=${cn},${groupBase}\nchangetype: add\nobjectClass: groupOfNames\ncn: ${cn}\nmember: cn=muster,dc=example,dc=org\n`,
      );
    proxy = await startTcpProxy({ host: '127.0.0.1', port: slapd.port });
    const { bindDn, bindPassword } = slapd.config as Readonly<Record<string, string>>;
    const config = {
      url: `ldap://127.0.0.1:${proxy.port}`,
      plaintext: true,
      bindDn,
      bindPassword,
      base,
      groupBase,
      roles: { operator: ['Engine Room'], auditor: [`cn=bridge,${groupBase}`] },
      timeoutMs: 2_000,
      writes: { attributes: { employeeType: 'made for {username}' } },
    };
    api = await createTestApi({ auth: { providers: { staff: { kind: 'ldap', config } } } });
  });
  afterAll(async () => {
    await api?.close();
    await proxy?.close();
    await slapd?.stop();
  });

  const dnOf = (name: string): string => `uid=${name},${slapd.userBase}`;
  const create = (username: string, more: object = {}) =>
    api.call('post', '/v1/auth/clients/create').send({ provider: 'staff', username, password: PASSWORD, ...more });
  const logIn = (username: string, password = PASSWORD) =>
    api.anonymous('post', '/v1/auth').send({ provider: 'staff', username, password });
  const made = async (username: string, more: object = {}): Promise<string> =>
    ((await create(username, more).expect(201)).body as { readonly id: string }).id;
  const groupHas = async (cn: string, name: string): Promise<boolean> => {
    const [group] = await slapd.search(slapd.groupBase, `(cn=${cn})`);
    return group?.attributes.get('member')?.includes(dnOf(name)) === true;
  };

  test('are made there with their roles, and log in', async () => {
    const { body } = await create('ada', { displayName: 'Ada Lovelace', roles: ['operator'] }).expect(201);

    expect(body).toMatchObject({ name: 'ada', provider: 'staff', roles: ['operator'], enabled: true });
    const [entry] = await slapd.search(slapd.userBase, '(uid=ada)');
    expect(entry === undefined ? [] : ['sn', 'cn', 'employeetype'].map((name) => firstValue(entry, name))).toEqual([
      'Lovelace',
      'Ada Lovelace',
      'made for ada',
    ]);
    // The server hashes.
    expect(entry === undefined ? '' : firstValue(entry, 'userpassword')).not.toContain(PASSWORD);
    expect(await groupHas('Engine Room', 'ada')).toBe(true);
    await logIn('ada').expect(200);
    const { body: operations } = await api.call('get', '/v1/operations?kind=createClient').expect(200);
    expect(operations.items[0]).toMatchObject({ status: 'succeeded', detail: { provider: 'staff', client: body.id } });
  });

  test('are refused in the words of the directory, and nothing is left of them', async () => {
    await made('bob');

    expect((await create('bob').expect(409)).body.type).toBe('/problems/already-exists');
    expect((await create('short', { password: 'abc' }).expect(422)).body.detail).toContain('refuses this (19)');
    await create('role', { roles: ['admin'] }).expect(422);
    await create('no,name').expect(400);

    expect(await slapd.search(slapd.userBase, '(|(uid=short)(uid=role))')).toEqual([]);
  });

  test('are kept out and let in again, there as here', async () => {
    const id = await made('cora');
    const { body } = await logIn('cora').expect(200);

    await api.call('post', `/v1/auth/clients/${id}/disable`).expect(204);
    expect(await slapd.canLogIn(dnOf('cora'), PASSWORD)).toBe(false);
    await api.as(body.token as string, 'get', '/v1/auth').expect(401);
    await api.call('post', `/v1/auth/clients/${id}/enable`).expect(204);

    expect(await slapd.canLogIn(dnOf('cora'), PASSWORD)).toBe(true);
    await logIn('cora').expect(200);
  });

  test('get and lose roles as members of groups', async () => {
    const id = await made('dan');

    await api.call('post', `/v1/auth/clients/${id}/roles/auditor`).expect(204);
    await api.call('post', `/v1/auth/clients/${id}/roles/auditor`).expect(204);
    expect([await groupHas('bridge', 'dan'), (await logIn('dan')).body.client.roles]).toEqual([true, ['auditor']]);
    await api.call('delete', `/v1/auth/clients/${id}/roles/auditor`).expect(204);

    expect([await groupHas('bridge', 'dan'), (await logIn('dan')).body.client.roles]).toEqual([false, []]);
  });

  test('get new passwords from an admin, or change their own', async () => {
    const id = await made('eve');
    await api.call('post', `/v1/auth/clients/${id}`).send({ password: ANOTHER }).expect(200);
    const { body } = await logIn('eve', ANOTHER).expect(200);
    const change = (currentPassword: string, password: string) =>
      api.as(body.token as string, 'post', '/v1/auth/clients').send({ currentPassword, password });

    expect((await change('wrong', 'x'.repeat(12)).expect(401)).body.type).toBe('/problems/wrong-credentials');
    await change(ANOTHER, PASSWORD).expect(200);

    await logIn('eve', ANOTHER).expect(401);
    await logIn('eve').expect(200);
  });

  test('go, and going twice is going once', async () => {
    const id = await made('fay');
    await slapd.apply(`dn: ${dnOf('fay')}\nchangetype: delete\n`);

    await api.call('delete', `/v1/auth/clients/${id}`).expect(204);

    await api.call('delete', `/v1/auth/clients/${id}`).expect(404);
    expect(await slapd.search(slapd.userBase, '(uid=fay)')).toEqual([]);
  });

  test('are made once, although the answer was lost', async () => {
    proxy.loseNextAnswer(isLdapWrite);

    const { body } = await create('gus').set('Prefer', 'wait=0').expect(202);

    expect(body.operation).toMatchObject({ kind: 'createClient', status: 'waiting' });
    expect(await slapd.search(slapd.userBase, '(uid=gus)')).toHaveLength(1);
    await allDone();
    const path = `/v1/operations/${(body as { operation: { id: string } }).operation.id}`;
    expect((await api.call('get', path).expect(200)).body).toMatchObject({ operation: { status: 'succeeded' } });
    expect(await slapd.search(slapd.userBase, '(uid=gus)')).toHaveLength(1);
    await logIn('gus').expect(200);
  });

  test('are kept out at once while the directory is away, which hears of it later; what gives waits', async () => {
    const id = await made('hal');
    const { body } = await logIn('hal').expect(200);
    proxy.cut();

    await api.call('post', `/v1/auth/clients/${id}/disable`).set('Prefer', 'wait=0').expect(202);
    await api.as(body.token as string, 'get', '/v1/auth').expect(401);
    proxy.restore();

    expect(await slapd.canLogIn(dnOf('hal'), PASSWORD)).toBe(true);
    await allDone();
    expect(await slapd.canLogIn(dnOf('hal'), PASSWORD)).toBe(false);
  });

  test('leave no password behind, and stand in the audit trail', async () => {
    const places = [...(await databaseDump(api.context.db)), { where: 'the log', text: api.logged() }];

    expect(leaksIn(places, { PASSWORD, ANOTHER })).toEqual([]);
    const { body } = await api.call('get', '/v1/audit?outcome=done').expect(200);
    const actions = (body.items as readonly { readonly action: string }[]).map(({ action }) => action);
    expect(actions).toEqual(
      expect.arrayContaining(['POST /v1/auth/clients/create', 'DELETE /v1/auth/clients/{client}']),
    );
  });

  /** Plays the worker until nothing is due. */
  async function allDone(): Promise<void> {
    const { db, flow } = api.context;
    await db.query(`update client_writes set next_try = clock_timestamp() where status = 'due'`);
    for (const id of await dueClientWrites(db, 10)) await flow.clientWriteQueued(id);
    const open = await db.query(`select from client_writes where status = 'due'`);
    if (open.rowCount !== 0) await allDone();
  }
});
