import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

// The benches at small sizes: what must hold on any machine. Rates and times are judged by `npm run bench` alone.
const PROGRAM = join(__dirname, '..', '..', 'dist', 'bench', 'main.js');
const LONGEST_MS = 280_000;

interface SmallRun {
  readonly section: string;
  readonly sizes: readonly string[];
  /** Bars that are rules, not speeds. */
  readonly rules: RegExp;
  /** Beyond its bar at most so much: on a starved machine a call may be late by more than a limit forgives. Default 0. */
  readonly slack?: number;
}

const RUNS: readonly SmallRun[] = [
  { section: 'budget', sizes: ['--only', 'window', '--seconds', '15'], rules: /429|writes of one account/, slack: 2 },
  {
    section: 'budget',
    sizes: ['--only', 'bucket-50', '--seconds', '15'],
    rules: /429|writes of one account/,
    slack: 2,
  },
  { section: 'budget', sizes: ['--only', 'log-50', '--seconds', '15'], rules: /429|writes of one account/, slack: 2 },
  { section: 'budget', sizes: ['--only', 'learned', '--seconds', '30'], rules: /429|writes of one account/, slack: 2 },
  { section: 'scale', sizes: ['--people', '2000'], rules: /history|add up|as many/ },
  { section: 'kills', sizes: ['--people', '1500'], rules: /./ },
  { section: 'isolation', sizes: ['--seconds', '15'], rules: /converged with no hand/ },
  { section: 'guard', sizes: ['--people', '100'], rules: /./ },
  { section: 'flood', sizes: ['--people', '60'], rules: /every membership|changes of members|workflow runs/, slack: 2 },
  { section: 'failing', sizes: ['--people', '400'], rules: /rest is done|listed|retry|cause/ },
];

interface Bar {
  readonly what: string;
  readonly said: string;
  readonly met: boolean;
  /** By how much a bar of the kind "at most" was missed; infinite for the others. */
  readonly beyond: number;
}

test.each(RUNS)('$section $sizes keeps its rules', async ({ section, sizes, rules, slack = 0 }) => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, section, ...sizes], { timeout: LONGEST_MS });
  const bars = barsIn(stdout).filter(({ what }) => rules.test(what));

  expect(bars.length).toBeGreaterThan(0);
  expect(bars.filter((bar) => !bar.met && bar.beyond > slack)).toEqual([]);
});

/** The rows of the tables of bars: what, wanted, measured, met or not. */
function barsIn(text: string): readonly Bar[] {
  return text.split('\n').flatMap((line) => {
    const [, what, wanted, measured, met] = line.split(' | ').length === 4 ? line.split('|') : [];
    return what !== undefined && met !== undefined && / met/.test(met.replaceAll('*', ' '))
      ? [
          {
            what: what.trim(),
            said: `wanted ${wanted?.trim()}, measured ${measured?.trim()}`,
            met: !met.includes('not met'),
            beyond: beyond(wanted ?? '', measured ?? ''),
          },
        ]
      : [];
  });
}

function beyond(wanted: string, measured: string): number {
  const most = /at most ([\d.]+)/.exec(wanted)?.[1];
  return most === undefined ? Number.POSITIVE_INFINITY : Number.parseFloat(measured) - Number(most);
}
