import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTestApi } from '../test/environment/api';
import { permissionList, permissionOf } from './acl';
import { PROBLEMS, problemsDocument } from './problem-codes';
import { routes } from './routes/index';
import type { Route } from './route';
import type { TestApi } from '../test/environment/api';

const PUBLIC = [
  'GET /health/live',
  'GET /health/ready',
  'GET /v1/auth/oidc',
  'GET /v1/auth/oidc/{provider}/callback',
  'GET /v1/auth/oidc/{provider}/logout',
  'GET /v1/auth/oidc/{provider}/start',
  'GET /v1/external/{type}/callback',
  'GET /v1/openapi.json',
  'POST /builtin/auth',
  'POST /builtin/auth/clients/register',
  'POST /v1/auth',
  'POST /v1/auth/clients/register',
  'POST /v1/auth/password',
  'POST /v1/auth/password/reset',
  'POST /v1/auth/refresh',
];

/** Any valid token will do: they are about the token itself. */
const AUTHENTICATED = [
  'DELETE /builtin/auth',
  'DELETE /v1/auth',
  'GET /builtin/auth',
  'GET /v1/auth',
  'GET /v1/auth/check',
  'GET /v1/overview/own',
  'POST /v1/auth/check',
];

const titled = routes.map((route): [string, Route] => [`${route.method.toUpperCase()} ${route.path}`, route]);

/** The path with something that fits each parameter. */
function filled(path: string): string {
  return path
    .replace('{name}', 'no-such-service')
    .replace('{user}', 'username:nobody')
    .replace('{provider}', 'local')
    .replace('{role}', 'some-role')
    .replace(/\{\w+\}/g, '00000000-0000-7000-8000-000000000000');
}

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<string, { readonly security?: unknown; readonly responses: object; readonly operationId: string }>
      >
    >
  >;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

describe('the route table', () => {
  let api: TestApi;
  let document: OpenApi;
  beforeAll(async () => {
    api = await createTestApi();
    document = (await api.anonymous('get', '/v1/openapi.json').expect(200)).body as OpenApi;
  });
  afterAll(() => api.close());

  test('the document is OpenAPI 3.1 with named schemas', () => {
    expect(document.openapi).toBe('3.1.1');
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining(['Operation', 'Problem', 'Account', 'Sync']),
    );
  });

  test.each(titled)('%s stands in the document with its answers', (_title, route) => {
    const operation = document.paths[route.path]?.[route.method];

    expect(operation).toBeDefined();
    expect(Object.keys(operation?.responses ?? {})).toEqual(
      expect.arrayContaining([...Object.keys(route.responses), 'default']),
    );
  });

  test('points in time, page limits and keys are documented as such', () => {
    const { Operation } = document.components.schemas as { Operation: { properties: Record<string, unknown> } };
    const parameters = JSON.stringify(document.paths['/v1/operations']?.['get']);

    const writes = JSON.stringify(document.paths['/v1/groups']?.['post']);
    expect(Operation.properties['createdAt']).toMatchObject({ type: 'string', format: 'date-time' });
    expect(parameters).toContain('"minimum":1,"maximum":500,"default":50');
    expect(writes).toMatch(/"name":"Idempotency-Key","schema":\{[^}]*"pattern":"/);
  });

  test('the type of a problem leads to what to do about it', async () => {
    const refused = await api.anonymous('get', '/v1/users').expect(401);

    const page = await api.anonymous('get', (refused.body as { readonly type: string }).type).expect(200);

    expect(page.body).toEqual({ type: '/problems/unauthenticated', ...PROBLEMS.unauthenticated });
    await api.anonymous('get', '/problems/constructor').expect(404);
  });

  test('no operation id is given twice', () => {
    const ids = Object.values(document.paths).flatMap((item) =>
      Object.values(item).map((operation) => operation.operationId),
    );

    expect(new Set(ids).size).toBe(ids.length);
  });

  test('no route stands twice in the table', () => {
    expect(new Set(titled.map(([title]) => title)).size).toBe(titled.length);
  });

  test('exactly the known routes are public', () => {
    expect(
      titled
        .filter(([, route]) => route.acl === 'public')
        .map(([title]) => title)
        .sort(),
    ).toEqual(PUBLIC);
  });

  test('exactly the known routes take any valid token', () => {
    const found = titled.filter(([, route]) => route.acl === 'authenticated').map(([title]) => title);

    expect(found.sort()).toEqual(AUTHENTICATED);
  });

  test.each(titled.filter(([title]) => !PUBLIC.includes(title)))(
    '%s answers 401 without a token',
    async (_title, route) => {
      const answer = await api.anonymous(route.method, filled(route.path)).expect(401);

      expect(answer.body.type).toBe('/problems/unauthenticated');
    },
  );

  test.each(titled)('%s has a permission made of its own parameters', (_title, route) => {
    const named = [...route.acl.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);

    expect(Object.keys(route.params ?? {})).toEqual(expect.arrayContaining(named));
    expect(route.acl).toMatch(/^(public|authenticated|[\w{}-]+(\.[\w{}-]+)+)$/);
  });

  test('a dot in a value cannot widen a permission', () => {
    const acl = 'provisioning.services.{name}.read';

    expect(permissionOf({ acl }, { name: 'a.read' })).toBe('provisioning.services.a_read.read');
  });

  test('the list of permissions names every route that needs one', () => {
    expect(permissionList(routes)).toHaveLength(routes.length - PUBLIC.length - AUTHENTICATED.length);
  });
});

describe('the list of problems', () => {
  test('docs/errors.md is equal to the code', () => {
    const written = readFileSync(join(__dirname, '../docs/errors.md'), 'utf8');

    // To write it anew: node -e "process.stdout.write(require('./dist/api/problem-codes').problemsDocument())" > docs/errors.md
    expect(written).toBe(problemsDocument());
  });

  test('every problem says what to do in a whole sentence', () => {
    for (const problem of Object.values(PROBLEMS)) expect(problem.whatToDo).toMatch(/^[A-Z].{10,}\.$/);
  });
});
