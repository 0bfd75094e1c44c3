import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { build } from './build.mjs';
import { install } from './install.mjs';
import { main, root } from './run.mjs';

await main(async () => {
  await install();
  await build();
  // In this very process: a second one would only be in the way of signals.
  const entry = join(root, 'dist', 'cli', 'main.js');
  process.argv = [process.execPath, entry, 'start', ...process.argv.slice(2)];
  await import(pathToFileURL(entry).href);
});
