import { renameSync, writeFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { processEnvironment } from '../config/environment';
import { heapFile } from './retained-heap';

/** What is let go of by what was collected is collected in the next round. */
const ROUNDS = 3;

// Loaded before everything else in the processes of a bench: only the API is asked.
if (/[/\\]api[/\\]main\.js$/.test(process.argv[1] ?? '')) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  process.on('SIGUSR2', () => void witness(collect));
}

async function witness(collect: () => void): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    collect();
    await turn();
  }
  const file = heapFile(processEnvironment()['MUSTER_HOME'] ?? '.');
  writeFileSync(`${file}.new`, String(process.memoryUsage().heapUsed));
  renameSync(`${file}.new`, file);
}
