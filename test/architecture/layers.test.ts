import { LAYERS, violations } from './layers';
import { importsOf, read, sourceFiles } from './sources';

describe('arrows go down only', () => {
  test('every file imports what its layer may and nothing else', () => {
    const found = sourceFiles().flatMap((file) => violations(file, read(file)));

    expect(found).toEqual([]);
  });

  test('every layer of the table is a folder that is read', () => {
    const folders = new Set(sourceFiles().map((file) => file.split('/')[0]));
    const built = Object.keys(LAYERS).filter((folder) => folder !== 'sample');

    expect(built.filter((folder) => !folders.has(folder))).toEqual([]);
  });

  test('no two layers may use each other as values', () => {
    const uses = (from: string, to: string): boolean => LAYERS[from]?.from.some((entry) => entry === to) ?? false;
    const mutual = Object.keys(LAYERS).filter((one) =>
      Object.keys(LAYERS).some((two) => uses(one, two) && uses(two, one)),
    );

    expect(mutual).toEqual([]);
  });
});

describe('the scanner finds what breaks the rules', () => {
  test.each([
    ['domain/a.ts', "import { readFileSync } from 'node:fs';"],
    ['domain/a.ts', "import type { Database } from '../store/database';"],
    ['sdk/a.ts', "import { Client } from '@temporalio/client';"],
    ['connectors/x/manager.ts', "import { Secret } from '../../sdk/index';"],
    ['connectors/x/manager.ts', "import { other } from '../y/other';"],
    ['workflows/a.ts', "import { createActivities } from '../activities';"],
    ['workflows/a.ts', "import { z } from 'zod';"],
    ['workflows/a.ts', "import { randomUUID } from 'node:crypto';"],
    ['store/a.ts', "import { createSealer } from '../config/sealer';"],
    ['api/a.ts', "import { ManagerPool } from '../activities/managers';"],
    ['api/a.ts', "import { createAccount } from '../workflows/account';"],
    ['api/a.ts', "import { servePages } from '../console/mount';"],
    ['console/a.ts', "import { createAccount } from '../workflows/account';"],
    ['cli/a.ts', "import { openDatabase } from '../store/database';"],
    ['cli/a.ts', "const x = await import('../store/database');"],
    ['hooks/a.ts', "export { sweep } from '../workflows/index';"],
    ['utils/a.ts', "import 'zod';"],
  ])('%s with %s', (file, text) => {
    expect(violations(file, text)).toEqual([expect.stringContaining(file)]);
  });

  test.each([
    ['workflows/a.ts', "import type { Activities } from '../activities';"],
    ['store/a.ts', "import type { Sealer } from '../config/sealer';"],
    ['api/a.ts', "import {\n  accountWorkflowId,\n  POKE_SIGNAL,\n} from '../workflows/contracts';"],
    ['connectors/x/x.test.ts', "import { Secret } from '../../sdk/index';"],
    ['connectors/x/manager.ts', "import { Secret } from '@muster/sdk';"],
  ])('and lets pass %s with %s', (file, text) => {
    expect(violations(file, text)).toEqual([]);
  });

  test('imports over several lines, of types, for effect and by call are all seen', () => {
    const text = [
      "import type { A } from './a';",
      "import {\n  b,\n} from './b';",
      "import './c';",
      "export * from './d';",
      "const e = await import('./e');",
      "const f = require.resolve('./f');",
    ].join('\n');

    expect(importsOf(text).map((one) => one.specifier)).toEqual(['./a', './b', './d', './c', './e', './f']);
    expect(importsOf(text).filter((one) => one.isType)).toEqual([{ specifier: './a', isType: true }]);
  });
});
