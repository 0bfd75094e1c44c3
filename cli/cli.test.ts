import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestApi } from '../test/environment/api';
import { ableConnector } from '../test/environment/fake-connector';
import { addAccounts, addGrant, addService, addUser } from '../test/store/organisation';
import { ensureBuiltInStates } from '../store/states';
import { recordItems, stageSync } from '../store/sync-items';
import { finishSync, listSyncs, requestSync, startNextQueued } from '../store/syncs';
import { syncWatch } from '../api/sync-watch';
import { waitFor } from '../runtime/wait-for';
import { createProgram } from './program';
import { runCommandLine } from './run';
import type { TestApi } from '../test/environment/api';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs a command as a shell would, and gives back what it printed. */
async function muster(...argv: readonly string[]): Promise<Ran> {
  const printed = { out: '', error: '' };
  const catching = (key: 'out' | 'error') => (text: string | Uint8Array) => {
    printed[key] += String(text);
    return true;
  };
  const spies = [
    jest.spyOn(process.stdout, 'write').mockImplementation(catching('out')),
    jest.spyOn(process.stderr, 'write').mockImplementation(catching('error')),
  ];
  try {
    return { code: await runCommandLine(argv), ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe('the command line', () => {
  let api: TestApi;
  let folder: string;
  let mail: string;
  let ada: string;
  beforeAll(async () => {
    api = await createTestApi({ connectors: [ableConnector()] });
    const { db } = api.context;
    await ensureBuiltInStates(db);
    mail = await addService(db, { name: 'mail' });
    ada = await addUser(db, { username: 'ada' });
    await addGrant(db, mail, { user_id: ada });
    folder = mkdtempSync(join(tmpdir(), 'muster-cli-'));
    process.env['MUSTER_URL'] = await api.listen();
    process.env['MUSTER_TOKEN'] = api.token;
  });
  afterAll(async () => {
    delete process.env['MUSTER_URL'];
    delete process.env['MUSTER_TOKEN'];
    rmSync(folder, { recursive: true });
    await api.close();
  });

  test('help names every command and the exit codes', async () => {
    const { code, out } = await muster('--help');

    expect(code).toBe(0);
    for (const word of ['start', 'import', 'status', 'explain', 'sync', 'validate', 'guard', 'operations', 'services'])
      expect(out).toContain(`  ${word}`);
    expect(out).toContain('Exit codes');
  });

  test.each(createProgram().commands.map((command) => [command.name()]))(
    'the help of %s has examples',
    async (name) => {
      const { code, out } = await muster(name, '--help');

      expect(code).toBe(0);
      expect(out).toContain('Examples:');
    },
  );

  test.each([
    [['nonsense'], 'unknown command'],
    [['sync', 'mail', '--kind', 'nonsense'], 'Allowed choices'],
    [['validate', 'mail'], 'Name one user, or give --all.'],
    [['guard', 'mail', 'approve', '--all'], 'A decision needs a --reason.'],
    [['operations', '--limit', '0'], 'at least 1'],
    [['import', '/no/such/file.json'], 'cannot be read'],
    [['import', 'roster.odt'], 'does not tell the format'],
  ])('%j is wrong usage: exit code 2 and why', async (argv, message) => {
    const { code, error } = await muster(...argv);

    expect(code).toBe(2);
    expect(error).toContain(message);
  });

  test('nobody at the address is exit code 3 and says what to do', async () => {
    const url = process.env['MUSTER_URL'];
    process.env['MUSTER_URL'] = 'http://127.0.0.1:9';

    const { code, error } = await muster('status');

    process.env['MUSTER_URL'] = url;
    expect(code).toBe(3);
    expect(error).toContain('Start it with `npm start`');
  });

  test('a wrong token says where the right one is', async () => {
    process.env['MUSTER_TOKEN'] = 'muster_wrong';

    const { code, error } = await muster('services');

    process.env['MUSTER_TOKEN'] = api.token;
    expect(code).toBe(1);
    expect(error).toContain('.muster/admin-token');
  });

  test('status shows one line for each service', async () => {
    const { code, out } = await muster('status');

    expect(code).toBe(0);
    expect(out).toContain('Muster is ready.');
    expect(out).toMatch(/^mail +0 +0 +0 +0 +0 +0 +0 +on$/m);
  });

  test('status as JSON is one JSON value', async () => {
    const { out } = await muster('status', '--json');

    expect(JSON.parse(out)).toMatchObject({ status: 'ready', services: [{ service: 'mail' }] });
  });

  test('explain takes a plain username and tells why', async () => {
    const { code, out } = await muster('explain', 'ada', 'mail');

    expect(code).toBe(0);
    expect(out).toContain('ada on mail');
    expect(out).toContain('granted to user ada by client:test');
    expect(out).toContain('There never was an account.');
  });

  test('a problem of the API is told in its words, exit code 1', async () => {
    const text = await muster('explain', 'nobody', 'mail');
    const json = await muster('explain', 'nobody', 'mail', '--json');

    expect(text).toMatchObject({ code: 1, error: 'muster: There is no user username:nobody.\n' });
    expect(JSON.parse(json.error)).toMatchObject({ problem: { type: '/problems/not-found' } });
  });

  test('a dry import shows the difference and changes nothing', async () => {
    const file = join(folder, 'roster.json');
    writeFileSync(
      file,
      JSON.stringify({
        users: [
          { externalId: '1', username: 'ada' },
          { externalId: '2', username: 'ben' },
        ],
      }),
    );

    const { code, out } = await muster('import', file, '--dry-run');

    expect(code).toBe(0);
    expect(out).toContain('This would change:');
    expect(out).toContain('created 1: ben');
    expect(api.told).toEqual([]);
  });

  test('an import shows the difference, starts its work and can be left', async () => {
    const file = join(folder, 'roster.csv');
    writeFileSync(file, 'externalId,username\n2,ben\n');

    const { code, out } = await muster('import', file, '--mode', 'merge', '--no-watch');

    expect(code).toBe(0);
    expect(out).toContain('created 1: ben');
    expect(api.told).toEqual([expect.stringMatching(/^changed \d+$/)]);
  });

  test('bad lines of a roster are shown with their numbers', async () => {
    const file = join(folder, 'bad.csv');
    writeFileSync(file, 'externalId,username\n3,\n4,carl\n4,dora\n');

    const { code, error } = await muster('import', file, '--mode', 'merge');

    expect(code).toBe(1);
    expect(error).toMatch(/line 2: /);
  });

  test('a sync is started and named', async () => {
    const { code, out } = await muster('sync', 'mail', '--user', 'ada', '--reason', 'check');

    expect(code).toBe(0);
    expect(out).toMatch(/^Started; see `muster operations [\da-f-]{36}`\.$/m);
  });

  test('a sync is shown, paused, resumed and cancelled by its id', async () => {
    const { db } = api.context;
    const serviceId = await addService(db, { name: 'steered' });
    const { syncId } = await requestSync(db, { serviceId, kind: 'nicknames', scope: {}, actor: 'client:test' });
    await startNextQueued(db, serviceId);

    const shown = await muster('sync', 'steered', '--show', syncId);
    const paused = await muster('sync', 'steered', '--pause', syncId);
    const resumed = await muster('sync', 'steered', '--resume', syncId);
    const cancelled = await muster('sync', 'steered', '--cancel', syncId);
    const both = await muster('sync', 'steered', '--cancel', syncId, '--pause', syncId);

    expect(shown.out).toMatch(/^sync nicknames: staging$/m);
    expect(paused.out).toMatch(/^sync nicknames: paused\n.*\nwaits for: resume$/m);
    expect(resumed.out).toMatch(/^sync nicknames: staging$/m);
    expect(cancelled.code).toBe(0);
    expect(api.told.filter((line) => line === `syncSteered ${syncId}`)).toHaveLength(3);
    expect(both).toMatchObject({ code: 2 });
  });

  test('a plan is asked for, and what it says is shown', async () => {
    const { db } = api.context;
    const serviceId = await addService(db, { name: 'planned' });
    await addAccounts(db, serviceId, [ada]);
    const { out } = await muster('sync', 'planned', '--kind', 'full', '--dry-run');
    const id = /--plan ([\da-f-]{36})/.exec(out)?.[1] ?? '';
    await startNextQueued(db, serviceId);
    await stageSync(db, id);
    const planned = {
      steps: ['delete'],
      before: null,
      after: null,
      why: 'No: the person is gone.',
      guard: [],
    } as const;
    await recordItems(db, id, [{ seq: 1, outcome: 'succeeded', planned }]);

    const { code, out: shown } = await muster('sync', 'planned', '--plan', id);

    expect(code).toBe(0);
    expect(shown).toMatch(/ada +delete +No: the person is gone\./);
    expect((await muster('sync', 'planned', '--approve', id)).error).toMatch(/not ready/);
  });

  test('validate waits for the outcome and tells it', async () => {
    await addAccounts(api.context.db, mail, [ada]);
    const ended = endOperations(api, 'validateUser');

    const { code, out } = await muster('validate', 'mail', 'ada');

    await ended;
    expect({ code, out }).toEqual({ code: 0, out: 'succeeded: checked\n' });
  });

  test('the guard shows what waits, and nothing when nothing does', async () => {
    const empty = await muster('guard', 'mail');
    await api.context.db.query(
      `insert into guard_staged (id, service_id, user_id, username, kind, version) values (gen_random_uuid(), $1, $2, 'ada', 'removal', 1)`,
      [mail, ada],
    );
    const waiting = await muster('guard', 'mail');

    expect(empty.out).toBe('Nothing waits for a decision.\n');
    expect(waiting.out).toMatch(/ada +removal/);
  });

  test('the guard keeps who decided, when and why', async () => {
    const open = await api.context.db.query<{ id: string }>(`select id from guard_staged where service_id = $1`, [
      mail,
    ]);
    const ended = endOperations(api, 'rejectStaged');
    await muster('guard', 'mail', 'reject', open.rows[0]?.id ?? '', '--reason', 'still needed');
    await ended;

    const { out } = await muster('guard', 'mail', '--history');

    expect(out).toMatch(/ada +removal .* rejected \d+ s ago by \S+: still needed/);
  });

  test('a sync is watched by its events until it has ended', async () => {
    const { db } = api.context;
    const serviceId = await addService(db, { name: 'watched' });
    await addAccounts(db, serviceId, [ada]);
    const work = async (): Promise<void> => {
      const sync = await waitFor(10_000, async () => (await listSyncs(db, { serviceId, limit: 1 }))[0]);
      const id = sync?.id ?? '';
      await startNextQueued(db, serviceId);
      await stageSync(db, id);
      await waitFor(10_000, async () => (syncWatch(db).watchers > 0 ? true : undefined));
      await recordItems(db, id, [{ seq: 1, outcome: 'unchanged' }]);
      await finishSync(db, id, { status: 'succeeded', reason: 'not reached' });
    };

    const [{ code, out, error }] = await Promise.all([muster('sync', 'watched', '--kind', 'full', '--watch'), work()]);

    expect({ code, out }).toEqual({
      code: 0,
      out: 'succeeded: 1 accounts: 0 changed, 1 unchanged, 0 skipped, 0 failed\n',
    });
    expect(error).toContain('succeeded: 1 of 1 accounts');
  });

  test('a service is paused, drained and resumed by hand', async () => {
    const paused = await muster('pause', 'mail', '--reason', 'upgrade');
    const drained = endOperations(api, 'drainService');
    const drain = await muster('drain', 'mail', '--reason', 'moving');
    await drained;
    const resumed = await muster('resume', 'mail');

    expect(paused.out).toMatch(/^mail is paused: \S+: upgrade$/m);
    expect(drain.out).toBe('succeeded: checked\n');
    expect(resumed.out).toBe('mail goes on.\n');
  });

  test('a first run that waits says what a person can do, and is begun by hand', async () => {
    const { db } = api.context;
    await addService(db, { name: 'fresh', first_run: 'plan' });

    const before = await muster('status');
    const refused = await muster('resume', 'fresh');
    const begun = await muster('services', 'fresh', '--first-run', 'write', '--reason', 'small');

    expect(before.out).toMatch(/^fresh .* first run: plan$/m);
    expect(before.out).toContain('muster services fresh --first-run write');
    expect(refused.error).toContain('waits for a person');
    const set = await muster('services', 'fresh', '--set', '{"orphans":{"adopt":"by name"}}');
    expect(set.out).toContain('orphans: {"adopt":"by name"}');
    expect((await muster('services', 'fresh', '--set', 'nonsense')).code).toBe(2);
    expect(begun.out).toContain('firstRun: write');
    expect(api.told).toContain('serviceOpened');
    expect((await muster('status')).out).toMatch(/^fresh .* on$/m);
  });

  test('operations are listed and shown one by one', async () => {
    const listed = await muster('operations', '--json', '--user', 'ada', '--limit', '1');
    const { items } = JSON.parse(listed.out) as { items: { id: string }[] };
    const one = await muster('operations', items[0]?.id ?? '');

    expect(items).toHaveLength(1);
    expect(one.out).toContain('asked by client:admin');
    expect(one.out).toContain('http://temporal.test/namespaces/default/workflows/');
  });

  test('text from elsewhere cannot steer the terminal', async () => {
    await api.context.db.query(`update operations set reason = E'\\x1b[2Jcleared', outcome = E'a\\x07b'`);

    const { out } = await muster('explain', 'ada', 'mail');

    expect(out).toContain('?[2Jcleared');
    expect(out).not.toContain('\u001B');
  });

  test('services are listed, and one is shown with everything', async () => {
    const all = await muster('services');
    const one = await muster('services', 'mail');

    expect(all.out).toMatch(/^mail +.*example +on +automatic/m);
    expect(one.out).toContain('connector: example');
  });
});

/** Ends the next operation of a kind as a worker would. */
async function endOperations(api: TestApi, kind: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const ended = await api.context.db.query(
      `update operations set status = 'succeeded', outcome = 'checked', finished_at = clock_timestamp() where kind = $1 and status = 'running'`,
      [kind],
    );
    if (ended.rowCount === 1) return;
  }
  throw new Error(`no operation ${kind} was started`);
}
