import { openSession, withExamples } from './command';
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
  readonly actions?: readonly string[];
}

const MAX_SERVICES = 10_000;

/** `muster services [NAME]` */
export function addServices(program: Command): void {
  const command = program
    .command('services [name]')
    .description('lists the services, or shows one with everything that is set')
    .action(async (name: string | undefined, _options: unknown, self: Command) => {
      const session = openSession(self);
      if (name === undefined) await list(session);
      else await showOne(session, name);
    });
  withExamples(command, [
    ['muster services', 'all of them'],
    ['muster services postgres', 'one: settings, abilities, actions'],
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
    item.enabled ? 'on' : 'off',
    safe(item.begins),
  ]);
  output.table(['name', 'title', 'connector', 'state', 'accounts begin'], rows);
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
