import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { build } from './build.mjs';
import { install } from './install.mjs';
import { main, root } from './run.mjs';

await main(async () => {
  await install();
  await build();
  const entry = join(root, 'dist', 'bench', 'main.js');
  process.argv = [process.execPath, entry, ...process.argv.slice(2)];
  await import(pathToFileURL(entry).href);
});
