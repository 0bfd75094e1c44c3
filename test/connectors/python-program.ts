import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const OWN_FOLDER = join(__dirname, '..', '..', '.muster', 'test-servers', 'python', 'bin');

/** Where a program of a Python package is: the tests' own folder, else the PATH; undefined = not installed. */
export function pythonProgram(name: string): string | undefined {
  const folders = [OWN_FOLDER, ...(process.env['PATH'] ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/** Describes tests that need a program; without it, one test says in its name what was left out. */
export function describeWith(program: string | undefined, title: string, tests: (program: string) => void): void {
  if (program === undefined) {
    test(`${title}: left out, its server is not installed`, () => {
      process.stderr.write(`LEFT OUT: ${title} (its server is not installed; see docs/testing.md)\n`);
    });
    return;
  }
  describe(title, () => tests(program));
}
