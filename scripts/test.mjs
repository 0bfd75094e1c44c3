import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import { build } from './build.mjs';
import { install } from './install.mjs';
import { main, root } from './run.mjs';

/** Above so many files it was not the load. */
const MOST_FILES_AGAIN = 3;

await main(async () => {
  const slow = process.argv.includes('--slow');
  const args = process.argv.slice(2).filter((argument) => argument !== '--slow');
  await install();
  // The tests of whole processes run what is in dist/.
  await build();
  const folder = mkdtempSync(join(tmpdir(), 'muster-jest-'));
  try {
    const first = await runJest(args, { slow, resultFile: join(folder, 'result.json') });
    const counts = await againAlone(first.counts, { slow, resultFile: join(folder, 'again.json') });
    for (const title of counts.leftOut) console.log(title);
    console.log(lastLine(counts));
    const wasRunAgain = counts !== first.counts;
    process.exitCode = counts.failed > 0 || (first.code !== 0 && !wasRunAgain) ? 1 : 0;
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

/**
 * Files that failed beside others are run once more with the machine to themselves: what fails then has failed. What passes then is
 * counted as passed and named, because a test that depends on load is a defect all the same.
 */
async function againAlone(counts, run) {
  const { failedFiles } = counts;
  if (failedFiles.length === 0 || failedFiles.length > MOST_FILES_AGAIN) return counts;
  console.log(`Once more, alone: ${failedFiles.join(', ')}`);
  const again = (await runJest(['--runInBand', '--runTestsByPath', ...failedFiles], run)).counts;
  for (const file of failedFiles.filter((name) => !again.failedFiles.includes(name)))
    console.log(`failed beside others, passed alone: ${file}`);
  return { ...counts, passed: counts.passed + Math.max(0, counts.failed - again.failed), failed: again.failed };
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
      failedFiles: result.testResults
        .filter(({ status }) => status === 'failed')
        .map(({ name }) => relative(root, name)),
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0, leftOut: [], failedFiles: [] };
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
