import { createTestApi } from '../test/environment/api';
import { ableConnector } from '../test/environment/fake-connector';
import { addAccount, addGrant, addService, addUser } from '../test/store/organisation';
import { ensureBuiltInStates } from '../store/states';
import { routes } from './routes/index';
import type { Response, Test } from 'supertest';
import type { Route } from './route';
import type { TestApi } from '../test/environment/api';

/** Nothing of this exists: whatever the body is, the answer must be a 4xx. */
const UNKNOWN: Readonly<Record<string, string>> = {
  name: 'no-such-service',
  user: 'username:nobody',
  role: 'reader',
  type: 'campus',
};
const UNKNOWN_ID = '00000000-0000-7000-8000-000000000000';

const HOSTILE_TEXTS = [
  "'; drop table users; --",
  '" or ""="',
  'a\u0007bell',
  'two\nlines',
  'nul\u0000',
  'lone \ud800 surrogate',
  'x'.repeat(10_000),
  '',
  ' ',
  '../../etc/passwd',
  '${7*7} {{7*7}} %s %n',
  '__proto__',
];
const HOSTILE_VALUES: readonly unknown[] = [
  ...HOSTILE_TEXTS,
  null,
  0,
  -1,
  1e308,
  true,
  [],
  {},
  [[]],
  [null],
  { toString: 1 },
];

/** Bodies that would do for these routes, so that one field at a time can be spoiled. */
const BODIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'PUT /v1/services/{name}/accounts/{user}': { reason: 'because' },
  'PUT /v1/services/{name}/accounts/{user}/password': { password: 'long enough', reason: 'because' },
  'POST /v1/services/{name}/syncs': { kind: 'groups', users: ['username:ada'], filter: { q: 'a' }, reason: 'because' },
  'POST /v1/services/{name}/guard/approve': { ids: 'all', reason: 'because' },
  'POST /v1/services/{name}/actions': { action: 'updateGroups', users: ['username:ada'], reason: 'because' },
};

const SPOILED_BODIES = [
  ['not JSON', '{"a": ', 400, 'malformed-json'],
  ['two values', '{} {}', 400, 'malformed-json'],
  ['nested too deep', '['.repeat(5000) + ']'.repeat(5000), 400, 'malformed-json'],
  ['a key twice', '{"reason": "a", "reason": "b"}', 400, 'duplicate-key'],
  ['a key twice, escaped', '{"reason": "a", "r\\u0065ason": "b"}', 400, 'duplicate-key'],
  ['a prototype key', '{"__proto__": {"admin": true}}', 422, 'invalid-body'],
  ['an unknown key', '{"surprise": 1}', 422, 'invalid-body'],
  ['NUL in a text', '{"reason": "\\u0000"}', 422, 'invalid-body'],
  ['a list', '[]', 422, 'invalid-body'],
  ['a number', '17', 422, 'invalid-body'],
  ['null', 'null', 422, 'invalid-body'],
  ['more than a megabyte', JSON.stringify({ reason: 'x'.repeat(1_100_000) }), 413, 'body-too-large'],
] as const;

/** What a provider or a plug-in takes is for it to say: it is found first, and answers what it does not take in its own way. */
const TAKES_PACKAGES = /^\/(v1|builtin)\/auth(\/clients(\/create|\/\{client\})?)?$|\/external\/\{type\}$/;

const title = (route: Route): string => `${route.method.toUpperCase()} ${route.path}`;
const known = routes.filter((route) => route.acl !== 'public').map((route): [string, Route] => [title(route), route]);
const writing = known.filter(
  ([, route]) => route.method !== 'get' && route.method !== 'delete' && route.stream === undefined,
);
const withPath = known.filter(([, route]) => /\{/.test(route.path));

function pathOf(route: Route, value: (name: string) => string = (name) => UNKNOWN[name] ?? UNKNOWN_ID): string {
  return route.path.replace(/\{(\w+)\}/g, (_all, name: string) => value(name));
}

describe('bad input', () => {
  let api: TestApi;
  let before: string;
  beforeAll(async () => {
    api = await createTestApi({ connectors: [ableConnector()] });
    const { db } = api.context;
    await ensureBuiltInStates(db);
    const serviceId = await addService(db, { name: 'mail' });
    const userId = await addUser(db, { username: 'ada' });
    await addGrant(db, serviceId, { user_id: userId });
    await addAccount(db, { serviceId, userId });
    before = await snapshot();
  });
  afterAll(() => api.close());
  afterEach(() => expectNothingChanged());

  async function expectNothingChanged(): Promise<void> {
    expect(await snapshot()).toBe(before);
    expect(api.told).toEqual([]);
  }

  /** Every row of every table, as one text. */
  async function snapshot(): Promise<string> {
    const { rows } = await api.context.db.query<{ content: string }>(
      `select string_agg(query_to_xml(format('select * from %I t order by t::text', tablename), true, true, '')::text, '|' order by tablename) as content
       from pg_tables where schemaname = 'public'`,
    );
    return rows[0]?.content ?? '';
  }

  const send = (route: Route, body: string, type = 'application/json'): Test =>
    api.call(route.method, pathOf(route)).set('Content-Type', type).send(body);

  function expectRefusal(answer: Response, context: string): void {
    const shown = `${context}: ${answer.status} ${answer.text.slice(0, 300)}`;
    expect(`${shown} ${answer.status >= 400 && answer.status < 500 ? 'is 4xx' : 'is not 4xx'}`).toBe(`${shown} is 4xx`);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).toMatchObject({
      type: expect.stringMatching(/^\/problems\//),
      status: answer.status,
      detail: expect.any(String),
    });
  }

  test.each(writing)('%s refuses every spoiled body', async (_title, route) => {
    for (const [what, body, status, code] of SPOILED_BODIES) {
      const answer = await send(route, body);

      expectRefusal(answer, what);
      if (status === 422 && TAKES_PACKAGES.test(route.path)) continue;
      expect([what, answer.status, answer.body.type]).toEqual([what, status, `/problems/${code}`]);
    }
  });

  test.each(writing)('%s refuses other media types and codings', async (_title, route) => {
    const compressed = await send(route, '{}').set('Content-Encoding', 'gzip');
    const answers = [compressed];
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])
      answers.push(await send(route, 'a=b', type));

    expect(answers.map((answer) => [answer.status, answer.body.type])).toEqual(
      answers.map(() => [415, '/problems/unsupported-media-type']),
    );
  });

  test.each(known)('%s refuses an unknown query parameter', async (_title, route) => {
    const answer = await api.call(route.method, `${pathOf(route)}?surprise=1`);

    expectRefusal(answer, 'surprise');
    expect([400, 415]).toContain(answer.status);
  });

  test.each(withPath)('%s refuses hostile names in the path', async (_title, route) => {
    for (const whole of HOSTILE_TEXTS.filter((hostile) => hostile !== '' && !hostile.includes('\ud800'))) {
      // Node itself refuses a request line beyond 16 KB.
      const text = whole.slice(0, 4_000);
      for (const prefix of ['', 'username:']) {
        const answer = await api.call(
          route.method,
          pathOf(route, () => encodeURIComponent(prefix + text)),
        );

        expectRefusal(answer, `${prefix}${text.slice(0, 40)}`);
      }
    }
    for (const escape of ['%00', '%F0%28%8C%28', '%', '%2e%2e%2f']) {
      expectRefusal(
        await api.call(
          route.method,
          pathOf(route, () => escape),
        ),
        escape,
      );
    }
  });

  test.each(Object.entries(BODIES))('%s refuses every spoiled field', async (wanted, body) => {
    const route = routes.find((candidate) => title(candidate) === wanted);
    if (route === undefined) throw new Error(`there is no ${wanted}`);
    for (const key of Object.keys(body)) {
      for (const value of HOSTILE_VALUES) {
        const answer = await send(route, JSON.stringify({ ...body, [key]: value }));

        expectRefusal(answer, `${key}=${JSON.stringify(value)?.slice(0, 40)}`);
      }
    }
  });
});
