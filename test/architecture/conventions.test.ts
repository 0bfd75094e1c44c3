import { basename, dirname } from 'node:path';
import { isTest, projectFiles, read, sourceFiles } from './sources';

const sources = sourceFiles();

/** `file: what` for every file of which `look` says something. */
function found(files: readonly string[], look: (text: string, file: string) => string | undefined): readonly string[] {
  return files.flatMap((file) => {
    const what = look(read(file), file);
    return what === undefined ? [] : [`${file}: ${what}`];
  });
}

describe('files', () => {
  test('have at most 300 lines, tests 400', () => {
    const long = found(sources, (text, file) => {
      const lines = text.split('\n').length - 1;
      return lines > (isTest(file) ? 400 : 300)
        ? `${lines} lines; give a part of it a file and a name of its own`
        : undefined;
    });

    expect(long).toEqual([]);
  });

  test('are named in kebab-case for what is in them', () => {
    const badly = sources.filter((file) => {
      const name = basename(file).replace(/\.(test|slow)\.ts$|\.ts$/, '');
      return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name);
    });

    expect(badly).toEqual([]);
  });

  test('are not collected under a name that says nothing', () => {
    const collected = projectFiles().filter((file) =>
      /(^|\/)(utils?|helpers?|common|misc|lib)(\/|\.[a-z]+$)/.test(file),
    );

    expect(collected).toEqual([]);
  });
});

describe('code', () => {
  const code = sources.filter((file) => !file.startsWith('test/architecture/'));

  test('uses no any', () => {
    const any = found(code, (text) => /(?::\s*|<|\bas\s+|\|\s*)any\b(?!['"\w])/.exec(withoutText(text))?.[0]);

    expect(any).toEqual([]);
  });

  test('reads the environment only in config/', () => {
    const readers = found(
      code.filter((file) => !isTest(file) && !mayReadEnvironment(file)),
      (text) =>
        /process\.env\b/.test(withoutText(text))
          ? 'takes its settings from config/, so that all problems are told at once'
          : undefined,
    );

    expect(readers).toEqual([]);
  });

  test('silences no check without saying why', () => {
    const silent = found(
      code,
      (text) => /\/\/\s*(@ts-ignore|@ts-nocheck|oxlint-disable(?!.*--)|eslint-disable(?!.*--)).*/.exec(text)?.[0],
    );

    expect(silent).toEqual([]);
  });
});

describe('tests', () => {
  const tests = sources.filter((file) => /\.(test|slow)\.ts$/.test(file) && !file.startsWith('test/architecture/'));

  test('are never skipped, and none runs alone', () => {
    const skipped = found(
      tests,
      (text) => /\b(?:describe|test|it)\.(?:skip|only|todo)\b|\bx(?:it|test|describe)\(|\bfdescribe\(/.exec(text)?.[0],
    );

    expect(skipped).toEqual([]);
  });

  test('have titles that state what holds, not what should', () => {
    const wishes = found(
      tests,
      (text) => /\b(?:test|it|describe)(?:\.each\([^)]*\))?\(\s*(['"`])(?:it )?should\b/.exec(text)?.[0],
    );

    expect(wishes).toEqual([]);
  });
});

/** config/ reads it; cli/start.ts and bench/ hand it on to the processes they start. */
function mayReadEnvironment(file: string): boolean {
  return dirname(file) === 'config' || dirname(file) === 'bench' || file === 'cli/start.ts';
}

/** Without comments and quoted text, which may speak of anything. */
function withoutText(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
}
