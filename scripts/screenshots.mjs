import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { install } from './install.mjs';
import { main, root } from './run.mjs';

// Pictures of the console for README and docs, taken of the sample organisation in Chromium: docs/pictures.
await main(async () => {
  await install();
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const flags = ['--testMatch', '**/test/console/pictures.ts', '--runInBand'];
  process.exitCode = await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [jest, ...flags], { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
});
