import { describeMachine } from './machine';
import type { ProvisioningFigures } from './provisioning';
import type { TokenCheckFigures } from './token-check';

/** The page docs/benchmarks.md: what was measured, how, and on what. */
export function reportOf(figures: ProvisioningFigures, date: Date): string {
  const { people, provisionSeconds, plainSeconds, importSeconds } = figures;
  const rate = (seconds: number): string => `${(people / seconds).toFixed(0)}/s`;
  const rows = [
    ['import', `${importSeconds.toFixed(1)} s`, rate(importSeconds)],
    ['provisioning with Muster', `${provisionSeconds.toFixed(1)} s`, rate(provisionSeconds)],
    ['the same calls in a plain loop', `${plainSeconds.toFixed(1)} s`, rate(plainSeconds)],
  ];
  const lines = [
    '# Benchmarks',
    '',
    'Written by `npm run bench`; every figure is of one run on one machine, the baseline in the same run.',
    '',
    `Machine: ${describeMachine()}. Date: ${date.toISOString().slice(0, 10)}.`,
    '',
    '## Import and provisioning into PostgreSQL',
    '',
    `${people} people, ${figures.groups} groups, ${figures.memberships} memberships; one API process, one worker process, embedded PostgreSQL for`,
    'Muster, a second cluster as the external service, the Temporal development server: all on this machine, sharing its cores.',
    `Provisioning is the time from adding the service to the last account being as it should be: create and set groups for each`,
    `person, ${figures.concurrency} calls at a time. The plain loop makes the same calls of the same manager with the same concurrency,`,
    'without Muster, against a fresh server of the same kind, after Muster has finished (so it has the cores for itself).',
    "Both log in as the server's superuser: since PostgreSQL 16 a GRANT of anybody else grows with the number of roles they made.",
    '',
    '| what | time | people per second |',
    '| --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    `Muster / plain loop: ${(provisionSeconds / plainSeconds).toFixed(2)}. The engine's share is ${Math.max(0, provisionSeconds - plainSeconds).toFixed(1)} s,`,
    `that of the calls ${plainSeconds.toFixed(1)} s.`,
    ...(figures.workerCpuSeconds === undefined
      ? []
      : [
          '',
          `Worker: ${figures.workerCpuSeconds.toFixed(1)} s of CPU (${((figures.workerCpuSeconds * 1000) / people).toFixed(1)} ms an account), peak ${figures.workerPeakMib ?? '?'} MiB; API peak ${figures.apiPeakMib ?? '?'} MiB.`,
        ]),
    '',
    ...tokenLines(figures.tokenCheck),
  ];
  return lines.join('\n');
}

function tokenLines({ checks, concurrency, perSecond, p50Ms, p99Ms }: TokenCheckFigures): readonly string[] {
  return [
    '## Checking a token',
    '',
    `\`GET /v1/auth/check\` with a permission, ${checks} times over HTTP, ${concurrency} at a time, tokens of several clients; the client shares the`,
    'cores with the API and the database. Nothing is kept in memory between requests: each is one statement.',
    '',
    '| checks per second | p50 | p99 |',
    '| --- | --- | --- |',
    `| ${perSecond.toFixed(0)} | ${p50Ms.toFixed(1)} ms | ${p99Ms.toFixed(1)} ms |`,
    '',
  ];
}
