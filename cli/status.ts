import { openSession, withExamples } from './command';
import { CliFailure } from './failure';
import { safe } from './output';
import type { Command } from 'commander';
import type { Session } from './command';
import type { Output } from './output';

interface Ready {
  readonly status: 'ready' | 'degraded' | 'not ready';
  readonly database: boolean;
  readonly temporal: boolean;
  readonly skippedConnectors: readonly string[];
}

interface ServiceStatus {
  readonly service: string;
  readonly enabled: boolean;
  readonly paused: { readonly reason: string; readonly detail: string | null } | null;
  readonly firstPlan: { readonly id: string | null; readonly accounts: number; readonly stale: boolean } | null;
  readonly due: number;
  readonly waiting: number;
  readonly running: number;
  readonly failed: number;
  readonly staged: number;
  readonly accounts: Readonly<Record<'none' | 'pending' | 'active' | 'disabled' | 'removed', number>>;
}

const MAX_SERVICES = 1000;

/** `muster status` */
export function addStatus(program: Command): void {
  const command = program
    .command('status')
    .description('shows how Muster and every service stand')
    .action(async (_options: unknown, self: Command) => {
      const session = openSession(self);
      const ready = await readiness(session);
      const services = await statuses(session);
      if (session.output.json) session.output.value({ ...ready, services });
      else show(session.output, ready, services);
    });
  withExamples(command, [
    ['muster status', 'one line for each service'],
    ['muster status --json', 'the same for programs'],
  ]);
}

/** @throws CliFailure in words when the answer is that nothing can be served */
async function readiness({ client }: Session): Promise<Ready> {
  try {
    return await client.call<Ready>({ path: '/health/ready' });
  } catch (error) {
    const told = error instanceof CliFailure ? (error.problem as Partial<Ready> | undefined) : undefined;
    if (told?.database !== false) throw error;
    throw new CliFailure('Muster is not ready: its database does not answer.', { problem: told });
  }
}

async function statuses({ client }: Session): Promise<readonly ServiceStatus[]> {
  const services = await client.list<{ readonly name: string }>({ path: '/v1/services' }, MAX_SERVICES);
  return Promise.all(services.map(({ name }) => client.call<ServiceStatus>({ path: `/v1/services/${name}/status` })));
}

function show(output: Output, ready: Ready, services: readonly ServiceStatus[]): void {
  output.line(`Muster is ${output.tone(ready.status === 'ready' ? 'good' : 'warn', ready.status)}.`);
  if (!ready.temporal) output.line('Temporal does not answer: changes are kept and done when it is back.');
  if (ready.skippedConnectors.length > 0)
    output.line(`Not loaded: ${ready.skippedConnectors.map(safe).join(', ')} (the log says why).`);
  output.line();
  if (services.length === 0) {
    output.line('There is no service yet.');
    return;
  }
  output.table(
    ['service', 'active', 'disabled', 'due', 'waiting', 'running', 'failed', 'staged', 'state'],
    services.map((row) => rowOf(output, row)),
  );
  if (services.some((service) => service.staged > 0))
    output.line('\nStaged removals wait for you: muster guard SERVICE');
  for (const { service, firstPlan } of services) if (firstPlan !== null) showFirstPlan(output, service, firstPlan);
}

/** What a person can do about a first run that waits for them. */
function showFirstPlan(output: Output, service: string, plan: NonNullable<ServiceStatus['firstPlan']>): void {
  output.line(`\nThe first run of ${service} is only a plan: nothing is written there before you say so.`);
  if (plan.id === null) output.line('  Its plan is made as soon as somebody has a right to it.');
  else if (plan.stale) output.line('  Its plan says too little by now: a new one is made within a minute.');
  else {
    output.line(`  muster sync ${service} --plan ${plan.id}     what would be done to ${plan.accounts} accounts`);
    output.line(`  muster sync ${service} --approve ${plan.id}  do it, and go on`);
  }
  output.line(`  muster services ${service} --first-run write     begin without a plan`);
}

function rowOf(output: Output, status: ServiceStatus): readonly string[] {
  const bad = (count: number): string => (count === 0 ? '0' : output.tone('bad', String(count)));
  const { accounts, due, waiting, running, failed, staged } = status;
  const counts = [accounts.active, accounts.disabled, due, waiting, running].map(String);
  return [status.service, ...counts, bad(failed), bad(staged), stateOf(output, status)];
}

function stateOf(output: Output, { enabled, paused }: ServiceStatus): string {
  if (!enabled) return output.tone('dim', 'switched off');
  if (paused?.reason === 'first run') return output.tone('warn', 'first run: plan');
  return paused === null ? 'on' : output.tone('bad', `paused: ${safe(paused.detail ?? paused.reason)}`);
}
