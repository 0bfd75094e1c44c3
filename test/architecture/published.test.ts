import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectFiles, read, ROOT, sourceFiles, isTest } from './sources';

/** What is in the repository; in a copy without one, every file. */
function trackedFiles(): readonly string[] {
  if (!existsSync(join(ROOT, '.git'))) return projectFiles();
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return listed.split('\0').filter((file) => file !== '' && existsSync(join(ROOT, file)));
}

describe('what connector authors and clients read', () => {
  const documented = sourceFiles().filter(
    (file) => (file.startsWith('sdk/') && !isTest(file)) || file === 'workflows/contracts.ts',
  );

  test('every export of sdk/ and of the contracts says what it is', () => {
    const silent = documented.flatMap((file) => undocumented(read(file)).map((name) => `${file}: ${name}`));

    expect(silent).toEqual([]);
  });

  test('the scanner sees an export without a comment', () => {
    expect(
      undocumented('/** Said. */\nexport const a = 1;\nexport interface B {\n}\n\nexport function c(): void {}\n'),
    ).toEqual(['B', 'c']);
  });
});

/** Names of exported declarations that no comment stands above. A type that only names its constant's values needs none. */
function undocumented(text: string): readonly string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const name = /^export (?:abstract )?(?:async )?(?:const|function|class|interface|type) (\w+)/.exec(line)?.[1];
    if (name === undefined || line.includes('(typeof ')) return [];
    return lines[index - 1]?.trimEnd().endsWith('*/') === true ? [] : [name];
  });
}

describe('what is published', () => {
  const files = trackedFiles();

  test('the lockfile names no registry host', () => {
    const hosts = [...read('package-lock.json').matchAll(/"resolved": "(\w+:\/\/[^"]+)"/g)].map(([, url]) => url);

    expect(hosts).toEqual([]);
  });

  test('no file holds a path of the machine it was made on', () => {
    // Made here so that this file does not hold one.
    const machine = new RegExp(`(?<![\\w.])/(?:${['work', 'farm', 'home/(?!node\\b)\\w+', 'Users/\\w+'].join('|')})/`);
    const text = files.filter((file) => !/\.(png|ico|woff2?|gz|zip)$/.test(file) && file !== 'package-lock.json');
    const found = text.flatMap((file) => {
      const match = machine.exec(read(file))?.[0];
      return match === undefined ? [] : [`${file}: ${match}`];
    });

    expect(found).toEqual([]);
  });

  test('nothing that is made or secret is in the repository', () => {
    const made = files.filter((file) =>
      /^(dist|node_modules|coverage|\.muster)\/|\.(pem|key|db|sqlite)$|(^|\/)\.env$/.test(file),
    );

    expect(made).toEqual([]);
  });
});
