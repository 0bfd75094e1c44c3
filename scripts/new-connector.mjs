import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { install } from './install.mjs';
import { main, PlainError, root, run } from './run.mjs';

/** What is taken over from connectors/example; its listener is a connector of another sort. */
const FILES = [
  'index.ts',
  'manager.ts',
  'keys.ts',
  'names.ts',
  'schema.ts',
  'fake.ts',
  'fake-state.ts',
  'fake-target.ts',
  'example.test.ts',
];
const KIND = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** `npm run new:connector NAME`: a folder in connectors/ that passes the checks and the conformance kit as it is. */
await main(async () => {
  const [kind, ...more] = process.argv.slice(2);
  if (kind === undefined || more.length > 0)
    throw new PlainError('Say one name: npm run new:connector NAME, e.g. npm run new:connector team-wiki');
  if (!KIND.test(kind) || kind.length > 40)
    throw new PlainError(
      `"${kind}" cannot be a kind of service: small letters, digits and - between them, 40 at most, a letter first.`,
    );
  const folder = join(root, 'connectors', kind);
  const owner = kindsInUse().get(kind);
  if (existsSync(folder) || owner !== undefined)
    throw new PlainError(`There is a connector of the kind "${kind}" already, in connectors/${owner ?? kind}.`);
  await install();
  writeConnector(folder, kind);
  await format(folder);
  console.log(nextSteps(kind));
});

/** By kind, the folder that declares it: some folders declare two. */
function kindsInUse() {
  const kinds = new Map();
  for (const { name } of readdirSync(join(root, 'connectors'), { withFileTypes: true }).filter((it) =>
    it.isDirectory(),
  )) {
    for (const file of readdirSync(join(root, 'connectors', name)).filter((each) => each.endsWith('.ts'))) {
      const text = readFileSync(join(root, 'connectors', name, file), 'utf8');
      for (const [, kind] of text.matchAll(/^ *kind: '([^']+)'/gm)) kinds.set(kind, name);
    }
  }
  return kinds;
}

function writeConnector(folder, kind) {
  mkdirSync(folder);
  const names = namesOf(kind);
  for (const file of FILES) {
    const text = readFileSync(join(root, 'connectors', 'example', file), 'utf8');
    writeFileSync(join(folder, file.replace('example', kind)), renamed(text, names));
  }
  writeFileSync(join(folder, 'README.md'), readme(names));
}

function namesOf(kind) {
  const words = kind.split('-').map((word) => word[0].toUpperCase() + word.slice(1));
  const pascal = words.join('');
  return { kind, title: words.join(' '), pascal, camel: pascal[0].toLowerCase() + pascal.slice(1) };
}

/** `example.org` stays: that is no name of the connector. */
function renamed(text, { kind, title, pascal, camel }) {
  return text
    .replace("export { listener } from './listener';\n\n", '')
    .replace('/** The connector to copy: a small', '/** A small')
    .replaceAll(/Example(?=Manager|Config|Target|[A-Z])/g, pascal)
    .replaceAll(/example(?=Names)/g, camel)
    .replaceAll(/'Example'/g, `'${title}'`)
    .replaceAll(/'example'/g, `'${kind}'`)
    .replaceAll(/example-token/g, `${kind}-token`)
    .replaceAll(/\bexample (service|manager)/g, `${title} $1`);
}

async function format(folder) {
  const prettier = join(root, 'node_modules', 'prettier', 'bin', 'prettier.cjs');
  const { code, output } = await run(process.execPath, [prettier, '--write', folder], { quiet: true });
  if (code !== 0) throw new PlainError(output.trim());
}

function nextSteps(kind) {
  return `connectors/${kind} is there, with a service of its own that it talks to (fake.ts), and passes the rules:

  npm test -- connectors/${kind}    the conformance kit on it
  npm run check${' '.repeat(Math.max(1, kind.length + 13))}format, lint, types, unused code

Now make it yours, file by file: docs/adding-a-connector.md. Every folder in connectors/ is loaded at the next start.`;
}

function readme({ kind, title }) {
  return `# ${title}

Keeps users and groups of ${title}.

## What it needs

| key     | meaning                                                           |
| ------- | ----------------------------------------------------------------- |
| \`url\`   | where the API begins                                              |
| \`token\` | a token with the rights \`users\` and \`groups\`; sealed, never shown |

## What it can do

Create, adopt, update (name, label, mail), enable and disable, delete, set the password, set groups (membership by account), ensure, rename
and remove groups, find, list, test the connection.

- **Identity.** Our key stands in the field \`externalId\` of users and groups. What does not carry it is never changed.

## Limits

| limit       | value                                                                  | source                    |
| ----------- | ---------------------------------------------------------------------- | ------------------------- |
| names       | 1 to 40 of \`a-z 0-9 . _ -\`, unique                                     | the vendor's page         |
| rate        | none of its own; a 429 with \`Retry-After\` stops the service until then | RFC 6585, RFC 9110 10.2.3 |
| concurrency | 4 calls                                                                | \`index.ts\`                |

## Known differences

- The service has no sessions to end: \`endSessions\` is absent.

## Trying it

\`\`\`sh
npx jest connectors/${kind}
\`\`\`
`;
}
