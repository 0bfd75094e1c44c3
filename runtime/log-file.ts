import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { asWriteError } from './startup-error';

const ROTATE_ABOVE_BYTES = 20_000_000;

/** An open log of a server; `startsAt` is where the lines of this start begin. */
export interface OpenLog {
  readonly descriptor: number;
  readonly startsAt: number;
  close(): void;
}

/** Opens a server's log for appending; a big one is put aside as `<file>.old` first. */
export function openLog(file: string): OpenLog {
  try {
    mkdirSync(dirname(file), { recursive: true });
    if (sizeOf(file) > ROTATE_ABOVE_BYTES) renameSync(file, `${file}.old`);
    const descriptor = openSync(file, 'a', 0o600);
    return { descriptor, startsAt: sizeOf(file), close: () => closeSync(descriptor) };
  } catch (error) {
    throw asWriteError(error, file);
  }
}

/** The last lines that a server wrote since it started, on one line, for an error message. */
export function tailOf(file: string, startsAt: number): string {
  if (!existsSync(file)) return '';
  const lines = readFileSync(file).subarray(startsAt).toString('utf8').trim().split('\n').slice(-4);
  return lines.join(' | ').slice(-800);
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}
