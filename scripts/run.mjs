import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the checkout, whatever folder the command was started in. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A failure that needs no stack: its message says what to do. */
export class PlainError extends Error {}

/**
 * Runs a program in the checkout and answers its exit code; output goes to the terminal unless `quiet`,
 * which collects it instead. A Ctrl-C reaches the program by itself, as it is in the same terminal.
 */
export function run(program, args, { quiet = false, env = process.env, cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit';
    const child = spawn(program, args, { cwd, env, stdio });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += chunk;
      });
    }
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? 128, signal, output }));
  });
}

/** Runs a script's main function; a PlainError becomes one line and exit code 1. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof PlainError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** Says every five seconds that something still runs; answers the function that ends it. */
export function showProgress(what) {
  const started = Date.now();
  const timer = setInterval(() => {
    console.log(`${what} (${Math.round((Date.now() - started) / 1000)} s) ...`);
  }, 5000);
  timer.unref();
  return () => clearInterval(timer);
}
