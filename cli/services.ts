import { Option } from 'commander';
import { openSession, withExamples } from './command';
import { usageFailure } from './failure';
import { safe } from './output';
import type { Command } from 'commander';
import type { Session } from './command';

/** The part of a service that the command shows. */
interface ServiceView {
  readonly name: string;
  readonly title: string | null;
  readonly connector: string;
  readonly enabled: boolean;
  readonly begins: string;
  readonly paused: { readonly reason: string } | null;
  readonly actions?: readonly string[];
}

const MAX_SERVICES = 10_000;

interface Options {
  readonly firstRun?: 'plan' | 'write';
  readonly set?: string;
  readonly reason?: string;
}

/** `muster services [NAME]` */
export function addServices(program: Command): void {
  const command = program
    .command('services [name]')
    .description('lists the services, or shows one with everything that is set')
    .addOption(
      new Option(
        '--first-run <mode>',
        'write: begin without an approved plan; plan: write nothing until one is approved',
      ).choices(['plan', 'write']),
    )
    .option('--set <json>', 'other settings, as PATCH /v1/services/{name} takes them')
    .option('--reason <text>', 'why; kept with the change')
    .action(async (name: string | undefined, options: Options, self: Command) => {
      const session = openSession(self);
      if (options.firstRun !== undefined || options.set !== undefined) await alter(session, name, options);
      else if (name === undefined) await list(session);
      else await showOne(session, name);
    });
  withExamples(command, [
    ['muster services', 'all of them'],
    ['muster services postgres', 'one: settings, abilities, actions'],
    ['muster services postgres --first-run write', 'begin without looking at its plan'],
    [`muster services wiki --set '{"orphans": {"adopt": "by email"}}'`, 'any other setting'],
  ]);
}

async function list({ client, output }: Session): Promise<void> {
  const items = await client.list<ServiceView>({ path: '/v1/services' }, MAX_SERVICES);
  if (output.json) {
    output.value({ items });
    return;
  }
  if (items.length === 0) {
    output.line('There is no service yet; POST /v1/services makes one (see /docs).');
    return;
  }
  const rows = items.map((item) => [
    item.name,
    safe(item.title),
    safe(item.connector),
    stateOf(item),
    safe(item.begins),
  ]);
  output.table(['name', 'title', 'connector', 'state', 'accounts begin'], rows);
}

function stateOf({ enabled, paused }: ServiceView): string {
  if (!enabled) return 'off';
  if (paused === null) return 'on';
  return paused.reason === 'first run' ? 'first run: plan' : `paused: ${safe(paused.reason)}`;
}

async function alter(session: Session, name: string | undefined, options: Options): Promise<void> {
  const { firstRun, set, reason } = options;
  if (name === undefined) throw usageFailure('Name the service.');
  const path = `/v1/services/${encodeURIComponent(name)}`;
  const body = { ...(set === undefined ? {} : settingsOf(set)), ...(firstRun === undefined ? {} : { firstRun }) };
  await session.client.call({ method: 'PATCH', path, query: { reason }, body });
  await showOne(session, name);
}

function settingsOf(text: string): object {
  try {
    const settings: unknown = JSON.parse(text);
    if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) return settings;
  } catch {
    // Said below.
  }
  throw usageFailure('--set takes one JSON object.');
}

async function showOne({ client, output }: Session, name: string): Promise<void> {
  const service = await client.call<Readonly<Record<string, unknown>>>({
    path: `/v1/services/${encodeURIComponent(name)}`,
  });
  if (output.json) {
    output.value(service);
    return;
  }
  for (const [key, value] of Object.entries(service)) {
    output.line(`${output.tone('bold', key)}: ${safe(typeof value === 'string' ? value : JSON.stringify(value))}`);
  }
}
