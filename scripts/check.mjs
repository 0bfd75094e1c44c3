import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { install } from './install.mjs';
import { main, root, run } from './run.mjs';

const bin = (name, ...path) => join(root, 'node_modules', name, ...path);
const STEPS = [
  ['format', [bin('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level', 'warn', '.']],
  ['lint', [bin('oxlint', 'bin', 'oxlint'), '--type-aware', '--deny-warnings', '--quiet']],
  ['types', [bin('typescript', 'bin', 'tsc'), '--noEmit', '--pretty', 'false']],
  ['unused', [bin('knip', 'bin', 'knip.js')]],
  ['architecture', [bin('jest', 'bin', 'jest.js'), '--passWithNoTests', 'test/architecture/']],
];

await main(async () => {
  await install();
  const only = process.argv.slice(2);
  let failed = 0;
  for (const [name, command] of STEPS) {
    if (only.length > 0 && !only.includes(name)) continue;
    if (!(await passes(name, command))) failed += 1;
  }
  process.exitCode = failed > 0 ? 1 : 0;
});

async function passes(name, command) {
  const started = Date.now();
  const result = existsSync(command[0])
    ? await run(process.execPath, command, { quiet: true })
    : { code: 1, output: `${command[0]} is missing` };
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (result.code !== 0) console.log(result.output.trim());
  console.log(`${result.code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  return result.code === 0;
}
