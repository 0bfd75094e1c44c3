import { Option } from 'commander';
import { userInPath, userReference } from './client';
import { openSession, withExamples } from './command';
import { usageFailure } from './failure';
import { followOperation } from './operation';
import { followSync, orderOf, steerSync } from './sync-steering';
import type { Command } from 'commander';
import type { Session } from './command';
import type { OperationBody } from './operation';
import type { SyncVerb } from './sync-steering';

const KINDS = ['groups', 'nicknames', 'accounts', 'validate', 'full', 'due'] as const;

interface SyncOptions extends Readonly<Partial<Record<SyncVerb, string>>> {
  readonly kind: (typeof KINDS)[number];
  readonly user?: readonly string[];
  readonly reason?: string;
  readonly dryRun?: true;
  readonly watch?: true;
}

/** `muster sync SERVICE` */
export function addSync(program: Command): void {
  const command = program
    .command('sync <service>')
    .description('looks at many accounts of a service and makes them as they should be')
    .addOption(new Option('--kind <kind>', 'what to look at').choices(KINDS).default('groups'))
    .option('--user <user...>', 'only these people')
    .option('--reason <text>', 'kept with the operation')
    .option('--dry-run', 'only a plan: what would be done to each account')
    .option('--watch', 'show how it goes until it has ended')
    .option('--show <id>', 'how a sync goes')
    .option('--pause <id>', 'stops it within seconds')
    .option('--resume <id>', 'goes on where it stopped')
    .option('--cancel <id>', 'ends it')
    .option('--retry <id>', 'a new sync over the accounts that failed')
    .option('--plan <id>', 'what a plan would do')
    .option('--approve <id>', 'executes a plan; each account is decided anew')
    .action(async (service: string, options: SyncOptions, self: Command) => {
      const order = orderOf(options);
      const session = openSession(self);
      if (order === undefined) await requestSync(session, service, options);
      else await steerSync(session, { service, ...order, ...reasonOf(options), watch: options.watch === true });
    });
  withExamples(command, [
    ['muster sync postgres --watch', 'the groups of all accounts'],
    ['muster sync postgres --kind full', 'everything of all accounts'],
    ['muster sync postgres --user ada --user ben', 'only two people'],
    ['muster sync postgres --kind full --dry-run --watch', 'what would be done'],
    ['muster sync postgres --approve ID', 'do what the plan says'],
    ['muster sync postgres --retry ID', 'the failed ones again'],
  ]);
}

/** `muster validate SERVICE USER` or `--all` */
export function addValidate(program: Command): void {
  const command = program
    .command('validate <service> [user]')
    .description('takes accounts away from people who have no right to the service')
    .option('--all', 'every account of the service')
    .option('--reason <text>', 'kept with the operation')
    .action(async function validate(this: Command, service: string, user: string | undefined) {
      const options = this.opts<{ readonly all?: true; readonly reason?: string }>();
      if ((user === undefined) === (options.all === undefined)) {
        throw usageFailure('Name one user, or give --all.');
      }
      const session = openSession(this);
      if (user === undefined)
        await requestSync(session, service, { kind: 'validate', watch: true, ...reasonOf(options) });
      else await validateOne(session, { service, user, ...reasonOf(options) });
    });
  withExamples(command, [
    ['muster validate postgres ada', 'one person'],
    ['muster validate postgres --all', 'everybody; the guard still holds'],
  ]);
}

function reasonOf({ reason }: { readonly reason?: string }): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}

async function requestSync({ client, output }: Session, service: string, options: SyncOptions): Promise<void> {
  const { kind, user, reason, dryRun } = options;
  const body = { kind, ...(user === undefined ? {} : { users: user.map(userReference) }), reason, dryRun };
  const path = `/v1/services/${encodeURIComponent(service)}/syncs`;
  const answer = await client.call<RequestedBody>({ method: 'POST', path, body });
  if (options.watch === true)
    await followSync({ client, output }, { service, id: answer.sync.id }, answer.operation.id);
  else await finish({ client, output }, answer, false);
  if (!output.json && dryRun === true) output.line(`See \`muster sync ${service} --plan ${answer.sync.id}\`.`);
}

interface RequestedBody extends OperationBody {
  readonly sync: { readonly id: string };
  readonly joined: boolean;
}

async function validateOne(
  { client, output }: Session,
  wanted: { readonly service: string; readonly user: string; readonly reason?: string },
): Promise<void> {
  const { service, user, ...body } = wanted;
  const path = `/v1/services/${encodeURIComponent(service)}/accounts/${userInPath(user)}/validate`;
  const answer = await client.call<OperationBody>({ method: 'POST', path, body });
  await finish({ client, output }, answer, true);
}

async function finish({ client, output }: Session, answer: OperationBody, watch: boolean): Promise<void> {
  if (watch) await followOperation({ client, output }, answer.operation.id);
  else if (output.json) output.value(answer);
  else output.line(`Started; see \`muster operations ${answer.operation.id}\`.`);
}
