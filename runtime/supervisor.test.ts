import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startChild } from './child-process';
import type { ChildOptions } from './child-process';
import { isAlive } from './process-identity';
import { createSupervisor, SupervisorStopping } from './supervisor';
import type { Component, RunningComponent } from './supervisor';
import { waitFor } from './wait-for';

const PACE = { firstMs: 5, longestMs: 20, forgottenAfterMs: 10_000 };

describe('the supervisor', () => {
  let folder: string;
  let lines: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-supervisor-'));
    lines = [];
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const log = (line: string) => {
    lines.push(line);
  };

  test('a killed process is named and started again', async () => {
    const supervisor = createSupervisor({ log, pace: PACE });
    const pids: number[] = [];
    await supervisor.start({
      name: 'Worker',
      start: async () => {
        const child = await startChild(program('worker', 'setInterval(() => {}, 1000)'));
        pids.push(child.pid);
        return child;
      },
    });

    process.kill(pids[0] ?? 0, 'SIGKILL');
    await until(() => pids.length === 2);

    expect(lines[0]).toBe('Worker was killed by SIGKILL; it is started again.');
    await supervisor.stop();
    expect(pids.map(isAlive)).toEqual([false, false]);
  });

  test('everything is stopped in the reverse order of its start', async () => {
    const supervisor = createSupervisor({ log, pace: PACE });
    const stopped: string[] = [];
    for (const name of ['PostgreSQL', 'Temporal', 'worker', 'API'])
      await supervisor.start(fake(name, stopped).component);

    await Promise.all([supervisor.stop(), supervisor.stop()]);
    await supervisor.stopped;

    expect(stopped).toEqual(['API', 'worker', 'Temporal', 'PostgreSQL']);
    expect(lines).toEqual([]);
  });

  test('one that cannot be stopped does not keep the others running', async () => {
    const supervisor = createSupervisor({ log, pace: PACE });
    const stopped: string[] = [];
    await supervisor.start(fake('PostgreSQL', stopped).component);
    await supervisor.start({
      name: 'Worker',
      start: async () => ({
        exited: new Promise<string>(() => undefined),
        stop: () => Promise.reject(new Error('it hangs')),
        kill: () => undefined,
      }),
    });

    await supervisor.stop();

    expect(stopped).toEqual(['PostgreSQL']);
    expect(lines).toEqual(['Worker could not be stopped: it hangs']);
  });

  test('a restart that fails is tried again until it works', async () => {
    const supervisor = createSupervisor({ log, pace: PACE });
    const { component, end } = fake('Temporal', []);
    let starts = 0;
    await supervisor.start({
      name: 'Temporal',
      start: async () => {
        starts += 1;
        if (starts === 2 || starts === 3) throw new Error('port taken');
        return component.start();
      },
    });

    end('was killed by SIGKILL');
    await until(() => lines.at(-1) === 'Temporal runs again.');

    expect(starts).toBe(4);
    expect(lines[1]).toBe('Temporal could not be started again and is tried once more: port taken');
    await supervisor.stop();
  });

  test('a stop during a start also stops what was just starting', async () => {
    const supervisor = createSupervisor({ log, pace: PACE });
    const stopped: string[] = [];
    const { component } = fake('PostgreSQL', stopped);
    const gate = deferred();
    const starting = supervisor.start({ name: 'PostgreSQL', start: () => gate.promise.then(() => component.start()) });

    const stopping = supervisor.stop();
    gate.resolve();

    await expect(starting).rejects.toBeInstanceOf(SupervisorStopping);
    await stopping;
    expect(stopped).toEqual(['PostgreSQL']);
    await expect(supervisor.start(component)).rejects.toBeInstanceOf(SupervisorStopping);
  });

  test('a first start that fails is the caller’s to tell', async () => {
    const supervisor = createSupervisor({ log, pace: PACE });

    const starting = supervisor.start(failing('no right to write'));

    await expect(starting).rejects.toThrow('no right to write');
    await supervisor.stop();
  });

  test('an orphan of a killed start is stopped before the next one', async () => {
    const options = program('api', "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000)");
    const orphan = await startChild(options);

    const next = await startChild(options);

    expect(await orphan.exited).toMatch(/ended with exit code 0|was killed by SIGTERM/);
    expect(isAlive(next.pid)).toBe(true);
    await next.stop();
  });

  test('a stranger with the number of an old child is left alone', async () => {
    const options = program('api', 'setInterval(() => {}, 1000)');
    const recorded = { pid: process.pid, identity: 'an earlier start', details: {} };
    writeFileSync(options.pidFile, JSON.stringify(recorded));

    const child = await startChild(options);

    expect(isAlive(process.pid)).toBe(true);
    await child.stop();
  });

  test('a process that ignores SIGTERM is killed after its time', async () => {
    const options = program(
      'stubborn',
      "const fs = require('fs'); process.on('SIGTERM', () => {}); fs.writeFileSync(process.argv[2], ''); setInterval(() => {}, 1000)",
    );
    const flag = join(folder, 'listens');
    const child = await startChild({ ...options, args: [flag], ready: async () => existsSync(flag), drainMs: 100 });

    await child.stop();

    expect(await child.exited).toBe('was killed by SIGKILL');
  });

  test('a process that ends before it is ready fails with its last lines', async () => {
    const options = program('broken', "console.error('DATABASE_URL is wrong'); process.exit(3)");

    const starting = startChild({ ...options, logFile: join(folder, 'broken.log'), ready: async () => false });

    await expect(starting).rejects.toMatchObject({
      code: 'SERVER_FAILED',
      message: 'broken did not start: it ended with exit code 3. DATABASE_URL is wrong',
    });
  });

  function program(name: string, source: string): ChildOptions {
    const entry = join(folder, `${name}.js`);
    writeFileSync(entry, source);
    return { name, entry, env: {}, pidFile: join(folder, `${name}.pid`) };
  }
});

function fake(
  name: string,
  stopped: string[],
): { readonly component: Component<RunningComponent>; readonly end: (words: string) => void } {
  let end: (words: string) => void = () => undefined;
  const component = {
    name,
    start: async () => ({
      exited: new Promise<string>((resolve) => {
        end = resolve;
      }),
      stop: async () => {
        stopped.push(name);
      },
      kill: () => undefined,
    }),
  };
  return { component, end: (words) => end(words) };
}

function failing(message: string): Component<RunningComponent> {
  return { name: 'PostgreSQL', start: () => Promise.reject(new Error(message)) };
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

async function until(condition: () => boolean): Promise<void> {
  const met = await waitFor(10_000, async () => (condition() ? true : undefined), { everyMs: 5 });
  if (met === undefined) throw new Error('the condition was not met within 10 s');
}
