import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { build } from './build.mjs';
import { install } from './install.mjs';
import { main, root } from './run.mjs';

await main(async () => {
  const slow = process.argv.includes('--slow');
  const args = process.argv.slice(2).filter((argument) => argument !== '--slow');
  await install();
  // The tests of whole processes run what is in dist/.
  await build();
  const folder = mkdtempSync(join(tmpdir(), 'muster-jest-'));
  try {
    const { code, counts } = await runJest(args, { slow, resultFile: join(folder, 'result.json') });
    for (const title of counts.leftOut) console.log(title);
    console.log(lastLine(counts));
    process.exitCode = counts.failed > 0 && code === 0 ? 1 : code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

async function runJest(args, { slow, resultFile }) {
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const env = { ...process.env, MUSTER_TEST_LANE: slow ? 'slow' : 'ordinary' };
  const flags = ['--json', `--outputFile=${resultFile}`, '--testLocationInResults', ...args];
  // jest prints its report to stderr and, with --json, the result to stdout as well: that copy is not wanted.
  const { code } = await runQuietStdout(jest, flags, env);
  return { code, counts: readCounts(resultFile) };
}

function runQuietStdout(jest, flags, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [jest, ...flags], {
      cwd: root,
      env,
      stdio: ['inherit', 'ignore', 'inherit'],
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1 }));
  });
}

/** A test file that could not even be loaded counts as one failure, and so does jest itself. */
function readCounts(resultFile) {
  try {
    const result = JSON.parse(readFileSync(resultFile, 'utf8'));
    return {
      passed: result.numPassedTests,
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
      skipped: result.numPendingTests + result.numTodoTests,
      leftOut: leftOutOf(result),
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0, leftOut: [] };
  }
}

/** What was not tried because its server is not installed: each has a test that says so. */
function leftOutOf({ testResults }) {
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ title }) => title.startsWith('left out, '))
      .map(({ ancestorTitles, title }) => `${ancestorTitles.join(' > ')}: ${title}`),
  );
}

function lastLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
