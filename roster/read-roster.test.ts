import fc from 'fast-check';
import type { RosterUser } from '../domain/roster';
import { readRoster } from './read-roster';
import type { RosterSource } from './read-roster';

interface Read {
  readonly users: readonly RosterUser[];
  readonly groups: readonly string[];
  readonly problems: readonly string[];
}

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(
  text: string | Uint8Array,
  options: Partial<RosterSource> & { readonly size?: number } = {},
): Promise<Read> {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const roster = await readRoster({
    chunks: chunksOf(bytes, options.size ?? 65_536),
    format: options.format ?? 'json',
    mode: options.mode ?? 'replace',
    states: ['Member', 'Blue', 'Guest'],
  });
  const users: RosterUser[] = [];
  for await (const batch of roster.spool.batches()) users.push(...(JSON.parse(batch.text) as RosterUser[]));
  await roster.spool.close();
  return { users, groups: roster.groups, problems: roster.problems.map(({ line, detail }) => `${line}: ${detail}`) };
}

const ADA = {
  externalId: 'E1',
  username: 'ada',
  displayName: 'Ada "Countess" Lovelace',
  email: 'ada@example.org',
  active: true,
  state: 'Member',
  attributes: { team: 'engine', floor: 3 },
  groups: ['Engine Room', "O'Brien's"],
};
const ADA_CSV = `externalId,username,displayName,email,active,state,attributes,groups
E1,ada,"Ada ""Countess"" Lovelace",ada@example.org,true,member,"{""team"":""engine"",""floor"":3}",Engine Room;O'Brien's
`;
const ADA_YAML = `users:
  - externalId: E1
    username: ada
    displayName: Ada "Countess" Lovelace
    email: ada@example.org
    active: true
    state: Member
    attributes: {team: engine, floor: 3}
    groups: [Engine Room, "O'Brien's"]
`;

test.each([
  ['json', JSON.stringify({ users: [ADA], groups: [] })],
  ['json', JSON.stringify([ADA])],
  ['ndjson', `${JSON.stringify(ADA)}\n`],
  ['yaml', ADA_YAML],
  ['csv', ADA_CSV.replaceAll('\n', '\r\n')],
] as const)('%s gives the same person however it is cut into chunks', async (format, text) => {
  for (const size of [1, 7, 65_536]) {
    const { users, problems } = await read(text, { format, size });

    expect(problems).toEqual([]);
    expect(users).toEqual([{ ...ADA, line: format === 'csv' || format === 'yaml' ? 2 : 1 }]);
  }
});

test('absent fields of a whole roster become their defaults', async () => {
  const { users } = await read('{"users": [{"username": "ada"}]}');

  expect(users).toEqual([
    {
      line: 1,
      username: 'ada',
      displayName: 'ada',
      email: null,
      active: true,
      state: null,
      attributes: {},
      groups: [],
    },
  ]);
});

test('absent fields of a merge stay unknown', async () => {
  const { users } = await read('[{"username": "ada", "email": null}]', { mode: 'merge' });

  expect(users).toEqual([{ line: 1, username: 'ada', email: null }]);
});

test('a column that a CSV file lacks is unknown, an empty cell is none', async () => {
  const { users } = await read('username,email\nada,\n', { format: 'csv' });

  expect(users).toEqual([{ line: 2, username: 'ada', active: true, email: null }]);
});

test('attribute columns of a CSV file become attributes', async () => {
  const { users } = await read('username,attributes.team,attributes.room\nada,engine,\n', { format: 'csv' });

  expect(users[0]?.attributes).toEqual({ team: 'engine' });
});

test('every bad person is reported with line and field', async () => {
  const lines = [
    '{"users": [',
    '{"username": ""},',
    '{"username": "ok"},',
    '{"username": "a\\u0000b"},',
    '{"username": 7, "email": "nobody", "active": "yes"},',
    '{"username": "s", "state": "Emperor"},',
    '{"username": "OK"},',
    '{"username": "p", "__proto__": {"x": 1}},',
    '{"username": "k", "username": "l"},',
    `{"username": "${'x'.repeat(10_000)}"},`,
    '{"username": "x" "y"},',
    '{"username": "g", "groups": ["a\\nb"]},',
    '"text"',
    ']}',
  ];

  const { problems } = await read(lines.join('\n'));

  expect(problems).toEqual([
    '2: users[0].username: must not be empty',
    '4: users[2].username: must not hold control characters or line breaks',
    '5: users[3].username: must be text, not a number',
    '5: users[3].email: must be an e-mail address',
    '5: users[3].active: must be true or false, not "yes"',
    '6: users[4].state: "Emperor" is not a state',
    '7: users[5].username: "OK" stands already on line 3',
    '8: users[6]: has the unknown key "__proto__"',
    '9: users[7]: has the key "username" twice',
    '10: users[8].username: must have at most 200 characters',
    '11: users[9]: lacks a comma or the end of an object',
    '12: users[10].groups: has a group whose name must not hold control characters or line breaks',
    '13: users[11]: must be an object, not a string',
  ]);
});

test('every bad CSV record is reported and the next one read', async () => {
  const text = [
    'externalId,username,active,groups',
    '1,ada,true,a;b',
    '2,bo"b,true,',
    '3,carl,maybe,',
    '4,dora,true',
    '5,"eve" x,true,',
    '1,"new\nline",true,',
    '1,fay,true,',
  ].join('\n');

  const { problems } = await read(text, { format: 'csv' });

  expect(problems).toEqual([
    '3: users[1]: has a quote inside a cell that is not quoted',
    '4: users[2].active: must be true or false, not "maybe"',
    '5: users[3]: has 3 cells where the header has 4',
    '6: users[4]: has text after the closing quote of a cell',
    '7: users[5].username: must not hold control characters or line breaks',
    '9: users[6].externalId: "1" stands already on line 2',
  ]);
});

test('one bad person among 100,000 is found by the line', async () => {
  const lines = Array.from({ length: 100_000 }, (_unused, index) => `{"username": "user${index}"}`);
  lines[77_776] = '{"username": "user77776", "state": "Nobody"}';

  const { problems } = await read(lines.join('\n'), { format: 'ndjson' });

  expect(problems).toEqual(['77777: users[77776].state: "Nobody" is not a state']);
});

test.each([
  ['json', '', 'is empty'],
  ['json', 'users: x', 'begins with "u"'],
  ['json', '{"users": [', 'ends too early'],
  ['json', '{"users": [{"username": "a"', 'does not end'],
  ['json', '{"users": []} x', 'goes on after the end'],
  ['json', '{"users": {}}', '"users" must be a list'],
  ['json', '{"people": []}', 'unknown key "people"'],
  ['json', '{"users": [], "users": []}', 'has the key "users" twice'],
  ['json', `[${'['.repeat(50)}${']'.repeat(50)}]`, 'nested more than'],
  ['json', `["${'x'.repeat(2_000_000)}"]`, 'more than 1 MiB'],
  ['yaml', 'users: [', 'not valid YAML'],
  ['yaml', 'users:\n- username: a\n  username: b\n', 'not valid YAML'],
  ['yaml', 'users: !!js/function "x"', 'not valid YAML'],
  ['yaml', 'just text', 'must be "users:"'],
  ['csv', '', 'has no header'],
  ['csv', 'username;groups\nada;x', 'not by semicolons'],
  ['csv', 'username,salary\nada,1', 'unknown columns: "salary"'],
  ['csv', 'email\nx@y', 'lacks the column "username"'],
  ['csv', 'username\n"ada', 'does not end'],
  ['ndjson', '{"username": "a"}\n{', 'string in double quotes'],
] as const)('a broken %s file %# is refused in words', async (format, text, expected) => {
  const { problems } = await read(text, { format });

  expect(problems.join('\n')).toContain(expected);
});

test('text that is not UTF-8 is refused with its line', async () => {
  const { problems } = await read(Buffer.concat([Buffer.from('username\nada\n'), Buffer.from([0xff, 0x0a])]), {
    format: 'csv',
    size: 13,
  });

  expect(problems).toEqual(['3: the roster is not UTF-8 text (on this line or soon after it)']);
});

test('YAML is read by items, lists in brackets and sequences without a key too', async () => {
  const files = [
    '# all\n---\ngroups: [a, {name: b}]\nusers:\n# one\n- username: ada\n  groups:\n  - a\n\n  - b\n-   username: bob\n    displayName: >-\n      Bob\n      - Ross\n',
    '{groups: [a, b], users: [\n{username: ada, groups: [a, b]},\n{username: bob, displayName: Bob - Ross}]}\n',
    '"users":\n  - username: ada\n    groups: [a,\n      b]\n  - {username: bob, displayName: "Bob\n      - Ross"}\ngroups:\n    - name: a\n    - name: b\n',
  ];

  for (const text of files) {
    const { users, groups, problems } = await read(text, { format: 'yaml', size: 9 });

    expect(problems).toEqual([]);
    expect(groups).toEqual(['a', 'b']);
    expect(users).toMatchObject([
      { username: 'ada', groups: ['a', 'b'] },
      { username: 'bob', displayName: 'Bob - Ross' },
    ]);
  }
});

test('every bad YAML item is reported with its own line', async () => {
  const text = [
    'users:',
    '  - username: ada',
    '    groups: [a',
    '  - username: 7',
    '    email: {a: 1}',
    '  - username: ok',
    '',
    '  - user: x',
    '   name: y',
    'people: 1',
    'users:',
    '  - username: zoe',
  ];

  const { problems } = await read(text.join('\n'), { format: 'yaml' });

  expect(problems).toEqual([
    expect.stringMatching(/^3: users\[0\]: is not valid YAML/),
    '4: users[1].username: must be text, not a number',
    '4: users[1].email: must be text, not an object',
    expect.stringMatching(/^9: users\[3\]: is not valid YAML/),
    '10: the roster has the unknown key "people"; a roster has users and groups',
    '11: the roster has the key "users" twice',
  ]);
});

test('YAML aliases that unfold without end are refused', async () => {
  const bomb = [
    'a: &a [x]',
    ...'bcdefghi'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index] ?? ''},`.repeat(9)}]`),
  ];
  const text = `- username: x\n  attributes:\n${bomb.map((line) => `    ${line}`).join('\n')}\n`;

  const { problems } = await read(text, { format: 'yaml' });

  expect(problems).toEqual(['1: users[0]: uses too many aliases']);
});

test('no text whatever breaks the reader', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.json({ maxDepth: 4 }).map((value) => `{"users": [${value}]}`),
      ),
      fc.constantFrom('json' as const, 'ndjson' as const, 'yaml' as const, 'csv' as const),
      async (text, format) => {
        await read(text, { format, size: 5 });
      },
    ),
    { numRuns: 500 },
  );
});

test('any person written as JSON, NDJSON or CSV is read as the same person', async () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
    .filter((text) => /^[^\p{Cc}\p{Cs};\s\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/u.test(text));
  const person = fc.record({
    username: name,
    displayName: name,
    active: fc.boolean(),
    groups: fc.array(name, { maxLength: 3 }),
  });
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

  await fc.assert(
    fc.asyncProperty(person, async (given) => {
      const fields = [given.username, given.displayName, String(given.active), given.groups.join(';')];
      const csv = `username,displayName,active,groups\n${fields.map(quoted).join(',')}\n`;
      const [json, ndjson, fromCsv] = await Promise.all([
        read(JSON.stringify([given]), { mode: 'merge' }),
        read(JSON.stringify(given), { mode: 'merge', format: 'ndjson' }),
        read(csv, { mode: 'merge', format: 'csv' }),
      ]);

      expect(json.problems).toEqual([]);
      expect(ndjson.users).toEqual(json.users);
      expect(fromCsv.users).toEqual(json.users.map((user) => ({ ...user, line: 2 })));
    }),
    { numRuns: 200 },
  );
});
