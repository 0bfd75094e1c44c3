import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadClientConfig, rememberApiUrl } from './client';
import { ConfigError, loadConfig, required } from './config';
import { VARIABLES } from './schema';
import { ensureSecretFile } from './secret-file';

describe('the configuration', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-config-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const problemsOf = (env: Readonly<Record<string, string>>): readonly string[] => {
    try {
      loadConfig(env);
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    }
  };

  test('defaults need nothing to be set', () => {
    expect(loadConfig({})).toMatchObject({ apiHost: '127.0.0.1', apiPort: 8080, home: '.muster', logLevel: 'info' });
  });

  test('the environment wins over the file, the file over defaults', () => {
    const yaml = file(
      'muster.yaml',
      'apiPort: 9000\nlogLevel: debug\nconnectors:\n  folders: [more]\n  packages: [a]\n',
    );

    const config = loadConfig({ MUSTER_CONFIG: yaml, MUSTER_API_PORT: '9001', MUSTER_CONNECTOR_PACKAGES: 'b, c' });

    expect(config).toMatchObject({
      apiPort: 9001,
      logLevel: 'debug',
      connectors: { folders: ['more'], packages: ['b', 'c'] },
    });
  });

  test('all problems are told at once, each with its variable', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://x',
      TEMPORAL_ADDRESS: 'no port',
      MUSTER_API_PORT: '70000',
      MUSTER_LOG_LEVEL: 'loud',
      MUSTER_WEBHOOK_URL: 'https://hooks.test',
      MUSTER_WORKER_CONCURRENCY: 'many',
    });

    expect(problems).toHaveLength(6);
    for (const name of [
      'DATABASE_URL',
      'TEMPORAL_ADDRESS',
      'MUSTER_API_PORT',
      'MUSTER_LOG_LEVEL',
      'MUSTER_WEBHOOK_SECRET',
      'MUSTER_WORKER_CONCURRENCY',
    ]) {
      expect(problems.filter((problem) => problem.includes(name))).toHaveLength(1);
    }
  });

  test('a problem never shows the value of a secret', () => {
    const problems = problemsOf({ MUSTER_ADMIN_TOKEN: 'canary one', DATABASE_URL: 'mysql://me:canary@host' });

    expect(problems).toHaveLength(2);
    expect(problems.join()).not.toContain('canary');
  });

  test('secrets come from files as well', () => {
    const config = loadConfig({ MUSTER_ADMIN_TOKEN_FILE: file('token', 'a-long-enough-token\n') });

    expect(config.adminToken).toBe('a-long-enough-token');
  });

  test('a secret given twice, or by a file that is not there, is told', () => {
    const problems = problemsOf({
      MUSTER_ADMIN_TOKEN: 'a-long-enough-token',
      MUSTER_ADMIN_TOKEN_FILE: file('twice', 'x'),
      MUSTER_SECRET_KEY_FILE: '/no/such/file',
    });

    expect(problems).toEqual([
      'MUSTER_ADMIN_TOKEN and MUSTER_ADMIN_TOKEN_FILE are both set: keep one',
      'MUSTER_SECRET_KEY_FILE: /no/such/file cannot be read (ENOENT)',
    ]);
  });

  test('unknown keys of the file are told by name', () => {
    const yaml = file('unknown.yaml', 'apiPrt: 1\nwebhook:\n  uri: x\n');

    expect(problemsOf({ MUSTER_CONFIG: yaml })).toEqual([
      `${yaml}: webhook.uri is not a setting`,
      `${yaml}: apiPrt is not a setting`,
    ]);
  });

  test('a file that is not YAML is told without its lines', () => {
    const problems = problemsOf({ MUSTER_CONFIG: file('broken.yaml', 'adminToken: "canary\n') });

    expect(problems).toHaveLength(1);
    expect(problems[0]).not.toContain('canary');
  });

  test('an empty variable counts as absent', () => {
    expect(loadConfig({ DATABASE_URL: '', MUSTER_API_PORT: '' })).toMatchObject({ apiPort: 8080 });
  });

  test('a value that a process cannot do without is named', () => {
    expect(() => required(loadConfig({}), 'databaseUrl')).toThrow(/DATABASE_URL is needed/);
  });

  test('no variable and no path is listed twice', () => {
    expect(new Set(VARIABLES.map((variable) => variable.name)).size).toBe(VARIABLES.length);
    expect(new Set(VARIABLES.map((variable) => variable.path)).size).toBe(VARIABLES.length);
  });

  test('a secret file is made once, for the owner only, and tightened when it is open', () => {
    const path = join(folder, 'home', 'secret');
    let made = 0;
    const generate = (): string => `secret ${(made += 1)}`;

    expect([ensureSecretFile(path, generate), ensureSecretFile(path, generate)]).toEqual(['secret 1', 'secret 1']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const open = file('open', 'x');
    ensureSecretFile(open, generate);
    expect(statSync(open).mode & 0o777).toBe(0o600);
  });

  test('the client finds address and token in the folder it runs in', () => {
    file('admin-token', 'the-token\n');

    expect(loadClientConfig(false, { MUSTER_HOME: folder })).toEqual({
      url: 'http://127.0.0.1:8080',
      token: 'the-token',
      wantsColour: false,
    });
    expect(
      loadClientConfig(true, {
        MUSTER_HOME: folder,
        MUSTER_TOKEN: 'mine',
        MUSTER_URL: 'https://m.test/',
        NO_COLOR: '1',
      }),
    ).toEqual({
      url: 'https://m.test',
      token: 'mine',
      wantsColour: false,
    });
    rememberApiUrl(folder, 'http://127.0.0.1:9090');
    expect(loadClientConfig(false, { MUSTER_HOME: folder }).url).toBe('http://127.0.0.1:9090');
    expect(() => loadClientConfig(false, { MUSTER_URL: 'nowhere' })).toThrow(/MUSTER_URL/);
    expect(() => loadClientConfig(false, { MUSTER_TOKEN_FILE: '/no/such' })).toThrow(/MUSTER_TOKEN_FILE/);
  });
});
