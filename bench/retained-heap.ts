import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { processEnvironment } from '../config/environment';
import { waitFor } from '../runtime/wait-for';
import type { BenchMuster } from './muster';

const WAIT_MS = 10_000;

/** Variables with which an API process can be asked what it keeps. */
export function withHeapWitness(): Readonly<Record<string, string>> {
  const load = `--require "${join(__dirname, 'heap-witness.js')}"`;
  return { NODE_OPTIONS: [processEnvironment()['NODE_OPTIONS'] ?? '', load].join(' ').trim() };
}

/** Where the witness writes down what is left. */
export function heapFile(home: string): string {
  return join(home, 'heap-after-collection');
}

/**
 * What the API keeps, in MiB: its heap after a collection that it is asked for. Resident memory alone cannot tell what is kept
 * from what was not collected yet. @throws Error unless it was started with `withHeapWitness`
 */
export async function retainedMib({ home, parts }: Pick<BenchMuster, 'home' | 'parts'>): Promise<number> {
  const pid = parts().get('API');
  const file = heapFile(home);
  rmSync(file, { force: true });
  if (pid !== undefined) process.kill(pid, 'SIGUSR2');
  const found = await waitFor(WAIT_MS, async () => (existsSync(file) ? readFileSync(file, 'utf8') : undefined));
  if (found === undefined) throw new Error('the API did not say what it keeps');
  return Number(found) / 1024 / 1024;
}
