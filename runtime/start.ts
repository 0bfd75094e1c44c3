import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { ensureAdminToken } from '../auth/admin-token';
import { rememberApiUrl } from '../config/client';
import { ConfigError, loadConfig } from '../config/config';
import { processEnvironment } from '../config/environment';
import type { Config } from '../config/schema';
import { launch } from './launch';
import type { Launched } from './launch';
import { acquireRunLock } from './run-lock';
import { provisionSample } from './sample';
import type { SampleReport } from './sample';
import { messageOf, StartupError } from './startup-error';
import { createSupervisor, stopOnSignals, SupervisorStopping } from './supervisor';
import type { Supervisor } from './supervisor';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Starts everything and runs until it is told to stop; answers the exit code. */
export async function start(wantsSample: boolean): Promise<number> {
  outliveReaders();
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

/** Other commands end when nobody reads on (`| head`); this one would leave its servers behind without anybody to keep them. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners('error');
    stream.on('error', () => undefined);
  }
}

async function run(config: Config, supervisor: Supervisor, sample: boolean): Promise<void> {
  const started = performance.now();
  const launched = await launch({ config, supervisor, environment: processEnvironment(), log: say, target: sample });
  rememberApiUrl(resolve(config.home), launched.apiUrl);
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
    `  Console        ${launched.apiUrl}/`,
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
