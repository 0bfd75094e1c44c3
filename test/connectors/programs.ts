import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { waitFor } from '../../runtime/wait-for';

const PATIENCE_MS = 30_000;

/** Where Debian puts what only administrators start. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin'];

/** Where .ci/install-servers puts what comes from PyPI and Maven; compiled code lies one folder deeper. */
export const SERVERS_FOLDER = join(rootOf(__dirname), '.muster', 'test-servers');
const PYTHON_FOLDER = join(SERVERS_FOLDER, 'python', 'bin');

function rootOf(folder: string): string {
  return existsSync(join(folder, 'package-lock.json')) || folder === dirname(folder) ? folder : rootOf(dirname(folder));
}

/** The path of an installed program, or undefined. */
export function findProgram(name: string): string | undefined {
  const folders = [PYTHON_FOLDER, ...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  const files = isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name));
  return files.find(isExecutable);
}

/**
 * `describe`, where the far side is installed. Where it is not, one test passes and says what was left out; with
 * MUSTER_TEST_SERVERS=all (as in .ci/run) it fails.
 */
export function describeWith(programs: readonly string[], title: string, tests: () => void): void {
  const missing = programs.filter((name) => !isThere(name));
  if (missing.length === 0) return describe(title, tests);
  const reason = `left out, ${missing.join(' and ')} not there (.ci/install-servers)`;
  return describe(title, () => {
    test(reason, () => {
      expect({ missing, required: process.env['MUSTER_TEST_SERVERS'] ?? '' }).toEqual({ missing, required: '' });
    });
  });
}

/** Is it installed? `root` is no program: some servers bind ports or change users that only root may. */
export function isThere(name: string): boolean {
  return name === 'root' ? process.getuid?.() === 0 : findProgram(name) !== undefined;
}

/** Starts a server, and answers what ends it and waits until it has ended. */
export function startProgram(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly process: ChildProcess; readonly output: () => string; stop(): Promise<void> } {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return {
    process: child,
    output: () => output.slice(-4000),
    stop: async () => {
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(kill);
    },
  };
}

/** Waits until `done` answers true, at most 30 seconds; then it throws with what `output` says. */
export async function until(done: () => Promise<boolean>, output: () => string = () => ''): Promise<void> {
  const ask = async (): Promise<true | undefined> => (await done().catch(() => false)) || undefined;
  if ((await waitFor(PATIENCE_MS, ask)) === undefined) throw new Error(`not there after 30 seconds: ${output()}`);
}

/** Does somebody listen there? */
export async function isListening(port: number, address = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
