import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { waitFor } from '../../runtime/wait-for';

const WAIT_MS = 60_000;

/** The folder of this test run, made by global-setup and shared by all its workers. */
export function runFolder(): string {
  const folder = process.env['MUSTER_TEST_RUN_DIR'];
  if (folder === undefined) throw new Error('Start the tests through jest with the configuration of this project.');
  return folder;
}

/**
 * Does something once per test run, in whichever worker asks first, and answers its result in all of them.
 * Servers start this way: a run of pure tests pays for none.
 */
export async function runOnce<Result>(name: string, make: () => Promise<Result>): Promise<Result> {
  const file = join(runFolder(), `${name}.json`);
  if (!existsSync(file) && takeTurn(file)) {
    const outcome = await make().then(
      (result) => ({ result }),
      (error: unknown) => ({ failure: error instanceof Error ? error.message : String(error) }),
    );
    writeFileSync(`${file}.new`, JSON.stringify(outcome), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  const written = await waitFor(WAIT_MS, async () => (existsSync(file) ? readFileSync(file, 'utf8') : undefined));
  if (written === undefined) throw new Error(`${name} was not ready within ${WAIT_MS / 1000} s.`);
  const outcome = JSON.parse(written) as { readonly result: Result; readonly failure?: string };
  if (outcome.failure !== undefined) throw new Error(`${name}: ${outcome.failure}`);
  return outcome.result;
}

function takeTurn(file: string): boolean {
  try {
    mkdirSync(`${file}.turn`);
    return true;
  } catch {
    return false;
  }
}
