import { Option } from 'commander';
import { userInPath, userReference } from './client';
import { openSession, withExamples } from './command';
import { usageFailure } from './failure';
import { followOperation } from './operation';
import type { Command } from 'commander';
import type { Session } from './command';
import type { OperationBody } from './operation';

const KINDS = ['groups', 'nicknames', 'accounts', 'validate', 'full', 'due'] as const;

interface SyncOptions {
  readonly kind: (typeof KINDS)[number];
  readonly user?: readonly string[];
  readonly reason?: string;
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
    .option('--watch', 'wait until it has ended')
    .action(async (service: string, options: SyncOptions, self: Command) => {
      await requestSync(openSession(self), service, options);
    });
  withExamples(command, [
    ['muster sync postgres --watch', 'the groups of all accounts'],
    ['muster sync postgres --kind full', 'everything of all accounts'],
    ['muster sync postgres --user ada --user ben', 'only two people'],
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
  const { kind, user, reason } = options;
  const body = { kind, ...(user === undefined ? {} : { users: user.map(userReference) }), reason };
  const path = `/v1/services/${encodeURIComponent(service)}/syncs`;
  const answer = await client.call<OperationBody & { readonly joined: boolean }>({ method: 'POST', path, body });
  await finish({ client, output }, answer, options.watch === true);
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
