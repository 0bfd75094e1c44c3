import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { acquireRunLock } from './run-lock';
import { commandLine, findRecordedProcess, isAlive, processIdentity, recordProcess } from './process-identity';
import { waitFor } from './wait-for';

describe('the identity of a process', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-identity-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('a recorded process is found again with its details', () => {
    const file = join(folder, 'own.pid');
    recordProcess(file, process.pid, { port: 5 });

    expect(findRecordedProcess(file)).toMatchObject({ pid: process.pid, details: { port: 5 } });
  });

  test('a number that went to another process is not found', () => {
    const file = join(folder, 'other.pid');
    writeFileSync(file, JSON.stringify({ pid: process.pid, identity: 'started/earlier', details: {} }));

    expect(findRecordedProcess(file)).toBeUndefined();
  });

  test('a zombie counts as dead although it answers to signals', async () => {
    // The shell starts a child that ends at once, then becomes a program that never reaps it.
    const shell = spawn('/bin/sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = await once(shell.stdout, 'data');
    const zombie = Number(String(line).trim());

    expect(await waitFor(5_000, async () => (isAlive(zombie) ? undefined : 'dead'))).toBe('dead');
    expect(() => process.kill(zombie, 0)).not.toThrow();
    shell.kill('SIGKILL');
    await once(shell, 'close');
  });

  test('a process keeps its identity and an unknown one has none', () => {
    expect(processIdentity(process.pid)).toBe(processIdentity(process.pid));
    expect(processIdentity(99_999_999)).toBeUndefined();
  });

  test('the command line of a process can be read', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'a-mark'], { stdio: 'ignore' });
    await once(child, 'spawn');

    expect(commandLine(child.pid ?? 0)).toContain('setInterval(() => {}, 1000) a-mark');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(commandLine(99_999_999)).toBe('');
  });

  test('a second start in the same folder is refused, one after a kill is not', () => {
    const lock = acquireRunLock(folder);
    expect(() => acquireRunLock(folder)).toThrow(`Muster already runs in ${folder} as process ${process.pid}`);
    lock.release();

    writeFileSync(join(folder, 'muster.pid'), JSON.stringify({ pid: 99_999_999, identity: 'gone' }));
    expect(() => acquireRunLock(folder)).not.toThrow();
  });
});
