import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { ensureAdminToken } from '../auth/admin-token';
import { ConfigError, loadConfig } from '../config/config';
import type { Config } from '../config/schema';
import { launch } from '../runtime/launch';
import type { Launched } from '../runtime/launch';
import { acquireRunLock } from '../runtime/run-lock';
import { provisionSample } from '../runtime/sample';
import type { SampleReport } from '../runtime/sample';
import { messageOf, StartupError } from '../runtime/startup-error';
import { createSupervisor, stopOnSignals, SupervisorStopping } from '../runtime/supervisor';
import type { Supervisor } from '../runtime/supervisor';

/** `muster start`: everything on this machine, until Ctrl-C. */
export function startCommand(): Command {
  return new Command('start')
    .description('Start Muster: database, Temporal, workers and API, with a sample organisation at the first start.')
    .option('--no-sample', 'leave the sample organisation and its external service out')
    .addHelpText(
      'after',
      `
With DATABASE_URL and TEMPORAL_ADDRESS set, those servers are used and none is started; the sample is then left out.

Examples:
  npm start
  npm start -- --no-sample
  MUSTER_API_PORT=9090 npm start`,
    )
    .action(async (options: { readonly sample: boolean }) => {
      process.exitCode = await start(options.sample);
    });
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs until it is told to stop; answers the exit code. */
async function start(wantsSample: boolean): Promise<number> {
  const supervisor = createSupervisor({ log: say });
  try {
    const config = loadConfig();
    const lock = acquireRunLock(resolve(config.home));
    stopOnSignals(supervisor, say);
    try {
      await run(config, supervisor, wantsSample && config.databaseUrl === undefined);
    } finally {
      await supervisor.stop();
      lock.release();
    }
    say('Stopped.');
    return 0;
  } catch (error) {
    if (error instanceof SupervisorStopping) return 0;
    if (!(error instanceof StartupError) && !(error instanceof ConfigError)) throw error;
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

async function run(config: Config, supervisor: Supervisor, sample: boolean): Promise<void> {
  const started = performance.now();
  const launched = await launch({ config, supervisor, environment: process.env, log: say, target: sample });
  say(`Muster is ready after ${((performance.now() - started) / 1000).toFixed(1)} s.`);
  const report = sample ? await firstSample(config, launched) : undefined;
  describe(config, launched, report);
  await supervisor.stopped;
}

async function firstSample(config: Config, { apiUrl, target }: Launched): Promise<SampleReport | undefined> {
  if (target === undefined) return undefined;
  return provisionSample({
    apiUrl,
    token: config.adminToken ?? ensureAdminToken(config.home),
    target,
    folder: sampleFolder(),
    passwordFile: join(resolve(config.home), 'sample-provisioner-password'),
    log: say,
  });
}

/** The build lies in dist/, the sample beside it. */
function sampleFolder(): string {
  const beside = join(__dirname, '..', '..', 'sample');
  return existsSync(beside) ? beside : join(__dirname, '..', 'sample');
}

function describe(config: Config, launched: Launched, report: SampleReport | undefined): void {
  const token = relative(process.cwd(), join(resolve(config.home), 'admin-token'));
  const lines = [
    ...(report === undefined ? [] : describeReport(report)),
    '',
    `  API            ${launched.apiUrl}/v1`,
    `  API reference  ${launched.apiUrl}/docs`,
    ...(launched.temporalUiUrl === undefined ? [] : [`  Temporal UI    ${launched.temporalUiUrl}`]),
    ...(config.adminToken === undefined ? [`  Admin token    in ${token}`] : []),
    ...(launched.target === undefined
      ? []
      : [`  Sample service PostgreSQL on 127.0.0.1:${launched.target.port}, the people are its login roles`]),
    '',
    ...(launched.target === undefined ? [] : ['Try:  npx muster status', '      npx muster explain ada postgres', '']),
    'Ctrl-C stops everything; all data stays.',
  ];
  say(lines.join('\n'));
}

function describeReport(report: SampleReport): readonly string[] {
  const rate = report.seconds > 0 ? (report.accounts / report.seconds).toFixed(0) : 'all';
  return [
    '',
    `The sample organisation of ${report.people} people is provisioned into a real PostgreSQL:`,
    `  ${report.accounts} accounts created, ${report.groups} groups and ${report.memberships} memberships set in ${report.seconds.toFixed(1)} s (${rate} accounts/s).`,
  ];
}
