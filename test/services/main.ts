import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processIdentity } from '../../runtime/process-identity';
import { isThere } from '../connectors/programs';
import { SERVICES } from './services';
import type { RunningService, TestService } from './services';

/** What became of one of them. */
type Outcome =
  | { readonly name: string; readonly state: 'runs'; readonly connector: string; readonly file: string }
  | { readonly name: string; readonly state: 'missing' | 'failed'; readonly detail: string };

/** Starts the test servers and stays until it is told to end; `state.json` in its folder says when all are there, and what is not. */
async function main(folder: string, withSlow: boolean): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const running: RunningService[] = [];
  const chosen = SERVICES.filter(({ slow = false }) => withSlow || !slow);
  const outcomes = await Promise.all(chosen.map((service) => begin(service, folder, running)));
  const end = async (): Promise<void> => {
    await Promise.allSettled(running.map((service) => service.stop()));
    rmSync(folder, { recursive: true, force: true });
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => void end());
  const state = { pid: process.pid, identity: processIdentity(process.pid), services: outcomes };
  const file = join(folder, 'state.json');
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  // Nothing else may be left that keeps this process alive.
  setInterval(() => undefined, 3_600_000);
}

async function begin(service: TestService, folder: string, running: RunningService[]): Promise<Outcome> {
  const { name, connector, programs, install } = service;
  const missing = programs.filter((program) => !isThere(program));
  if (missing.length > 0) return { name, state: 'missing', detail: install };
  try {
    const started = await service.start();
    running.push(started);
    const file = join(folder, `${name}.json`);
    const body = { name, connector, config: started.config };
    writeFileSync(file, `${JSON.stringify(body, undefined, 2)}\n`, { mode: 0o600 });
    return { name, state: 'runs', connector, file };
  } catch (error) {
    return { name, state: 'failed', detail: error instanceof Error ? error.message : String(error) };
  }
}

const [folder = '', ...flags] = process.argv.slice(2);
void main(folder, flags.includes('--slow'));
