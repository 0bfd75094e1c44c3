#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { main, root } from './run.mjs';

await main(async () => {
  const entry = join(root, 'dist', 'cli', 'main.js');
  // A command must answer at once, and its output is read by programs: only a fresh checkout is built here.
  if (!existsSync(entry)) {
    const { install } = await import('./install.mjs');
    const { build } = await import('./build.mjs');
    await install();
    await build();
  }
  process.argv = [process.execPath, entry, ...process.argv.slice(2)];
  await import(pathToFileURL(entry).href);
});
