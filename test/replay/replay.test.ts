import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { temporal } from '@temporalio/proto';
import * as workflows from '../../workflows/index';

/** What `temporal workflow show --output json` writes, as the worker takes it. Its own reader needs that all packages share one protobufjs. */
function historyOf(json: unknown): temporal.api.history.v1.IHistory {
  return temporal.api.history.v1.History.fromObject(withTimes(json) as Record<string, unknown>);
}

function withTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTimes);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withTimes(entry)]));
  }
  if (typeof value !== 'string') return value;
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return { seconds: Math.floor(Date.parse(value) / 1000), nanos: 0 };
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(value)?.[1];
  return seconds === undefined
    ? value
    : { seconds: Math.floor(Number(seconds)), nanos: Math.round((Number(seconds) % 1) * 1e9) };
}

const FOLDER = join(__dirname, 'histories');

interface Recorded {
  readonly name: string;
  readonly workflowType: string;
  readonly history: unknown;
}

interface HistoryJson {
  readonly events: readonly [
    { readonly workflowExecutionStartedEventAttributes: { readonly workflowType: { readonly name: string } } },
  ];
}

const recorded: readonly Recorded[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.json'))
  .map((file) => {
    const history = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as HistoryJson;
    const { name } = history.events[0].workflowExecutionStartedEventAttributes.workflowType;
    return { name: file.replace('.json', ''), workflowType: name, history };
  });

const bundle = (path: string): Promise<WorkflowBundleWithSourceMap> =>
  bundleWorkflowCode({ workflowsPath: require.resolve(path), logger: new DefaultLogger('ERROR') });

/** The recorded runs that this code would not have taken, with the reason. */
async function replay(
  workflowBundle: WorkflowBundleWithSourceMap,
  runs: readonly Recorded[],
): Promise<readonly string[]> {
  const histories = runs.map(({ name, history }) => ({ workflowId: name, history: historyOf(history) }));
  const failed: string[] = [];
  for await (const result of Worker.runReplayHistories({ workflowBundle }, histories)) {
    if (result.error !== undefined) failed.push(`${result.workflowId}: ${result.error.message}`);
  }
  return failed;
}

beforeAll(() => {
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'OFF' } },
  });
});

describe('recorded histories', () => {
  test('replay against the code of today', async () => {
    expect(await replay(await bundle('../../workflows'), recorded)).toEqual([]);
  });

  test('are there for every workflow type', () => {
    const types = new Set(recorded.map((run) => run.workflowType));

    expect(Object.keys(workflows).filter((name) => !types.has(name))).toEqual([]);
  });

  test('of a workflow that was changed do not replay', async () => {
    const sweeps = recorded.filter((run) => run.workflowType === 'sweep');
    const failed = await replay(await bundle('./mutated'), sweeps);

    expect(failed).toHaveLength(sweeps.length);
    expect(failed.join()).toMatch(/[Nn]ondetermini/);
  });

  test('hold ids only: no name, no address, no secret', () => {
    for (const { name, history } of recorded) {
      const payloads = JSON.stringify(history).match(/"data":"[^"]*"/g) ?? [];
      const text = payloads.map((data) => Buffer.from(data.slice(8, -1), 'base64').toString()).join('\n');

      expect(`${name}: ${/person-\d|not in a history|@/.exec(text)?.[0] ?? 'clean'}`).toBe(`${name}: clean`);
    }
  });
});
