import { Option } from 'commander';
import { userReference } from './client';
import { openSession, wholeNumber, withExamples } from './command';
import { eventText } from './event';
import { usageFailure } from './failure';
import { statusText } from './operation';
import { ago, safe } from './output';
import type { Command } from 'commander';
import type { Session } from './command';
import type { EventView } from './event';
import type { OperationBody, OperationView } from './operation';

const STATUSES = ['running', 'waiting', 'succeeded', 'failed', 'cancelled', 'superseded'];

interface Options {
  readonly secret?: true;
  readonly service?: string;
  readonly user?: string;
  readonly status?: string;
  readonly limit: number;
}

/** `muster operations [ID]` */
export function addOperations(program: Command): void {
  const command = program
    .command('operations [id]')
    .description('lists what was asked for, or shows one with its steps')
    .option('--secret', 'show the one-time secret of this operation; it is shown once')
    .option('--service <service>', 'only of this service')
    .option('--user <user>', 'only about this person')
    .addOption(new Option('--status <status>', 'only with this status').choices(STATUSES))
    .option('--limit <n>', 'at most so many', wholeNumber, 20)
    .action(async (id: string | undefined, options: Options, self: Command) => {
      const session = openSession(self);
      if (id === undefined && options.secret === true) throw usageFailure('Name the operation whose secret you want.');
      if (id === undefined) await list(session, options);
      else if (options.secret === true) await showSecret(session, id);
      else await showOne(session, id);
    });
  withExamples(command, [
    ['muster operations --status failed', 'what failed lately'],
    ['muster operations ID', 'one with its steps'],
    ['muster operations ID --secret', 'claim the new password'],
  ]);
}

async function list({ client, output }: Session, options: Options): Promise<void> {
  const { service, status, user, limit } = options;
  const query = { service, status, user: user === undefined ? undefined : userReference(user) };
  const items = await client.list<OperationView>({ path: '/v1/operations', query }, limit);
  if (output.json) {
    output.value({ items });
    return;
  }
  if (items.length === 0) {
    output.line('There is no such operation.');
    return;
  }
  output.table(
    ['id', 'what', 'service', 'user', 'status', 'asked', 'by'],
    items.map((item) => [
      item.id,
      safe(item.kind),
      safe(item.service),
      safe(item.user?.username),
      statusText(output, item.status),
      ago(item.createdAt),
      safe(item.actor),
    ]),
  );
}

async function showOne({ client, output }: Session, id: string): Promise<void> {
  const body = await client.call<OperationBody & { readonly events: readonly EventView[] }>({
    path: `/v1/operations/${encodeURIComponent(id)}`,
  });
  if (output.json) {
    output.value(body);
    return;
  }
  const { operation, events } = body;
  const about = [operation.service, operation.user?.username]
    .filter((part) => part !== null && part !== undefined)
    .map(safe);
  output.line(output.tone('bold', [safe(operation.kind), ...about].join(' ')));
  output.line(`  ${statusText(output, operation.status)}: ${safe(operation.outcome)}`);
  output.line(
    `  asked by ${safe(operation.actor)} ${ago(operation.createdAt)}${operation.reason === null ? '' : `: ${safe(operation.reason)}`}`,
  );
  if (operation.secretReady)
    output.line(output.tone('warn', `  A secret waits for you: muster operations ${operation.id} --secret`));
  if (operation.links.temporal !== undefined) output.line(`  ${operation.links.temporal}`);
  for (const event of events) output.line(`    ${ago(event.at)}: ${eventText(event)}`);
}

async function showSecret({ client, output }: Session, id: string): Promise<void> {
  const body = await client.call<{ readonly secret: string }>({
    method: 'POST',
    path: `/v1/operations/${encodeURIComponent(id)}/secret`,
  });
  if (output.json) output.value(body);
  else output.line(body.secret);
}
