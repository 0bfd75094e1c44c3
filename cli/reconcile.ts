import { setTimeout as delay } from 'node:timers/promises';
import { openSession, withExamples } from './command';
import { CliFailure } from './failure';
import { safe } from './output';
import type { Command } from 'commander';
import type { Session } from './command';

interface Run {
  readonly id: string;
  readonly status: 'running' | 'succeeded' | 'failed';
  readonly accounts: number;
  readonly found: Readonly<Record<string, number>>;
  readonly repaired: number;
  readonly error: string | null;
}

interface Item {
  readonly kind: string;
  readonly user: { readonly id: string; readonly username: string | null } | null;
  readonly remoteId: string | null;
  readonly remoteName: string | null;
  readonly expected: { readonly adopt?: boolean } | null;
}

interface Options {
  readonly repair?: true;
  readonly reason?: string;
}

const POLL_MS = 500;
const MAX_LISTED = 1_000;

/** `muster reconcile SERVICE [--repair]` */
export function addReconcile(program: Command): void {
  const command = program
    .command('reconcile <service>')
    .description('compares what a service lists with what Muster knows; changes nothing unless told to')
    .option('--repair', 'put right what differs; accounts that are not ours are never touched')
    .option('--reason <text>', 'why')
    .action(async (service: string, options: Options, self: Command) => {
      const session = openSession(self);
      const path = `/v1/services/${encodeURIComponent(service)}/reconciliations`;
      const { repair, reason } = options;
      const body = { mode: repair === true ? 'repair' : 'report', ...(reason === undefined ? {} : { reason }) };
      const { id } = await session.client.call<Run>({ method: 'POST', path, body });
      await show(session, `${path}/${id}`);
    });
  withExamples(command, [
    ['muster reconcile postgres', 'what differs'],
    ['muster reconcile postgres --repair --reason "restored from a backup"', 'put it right'],
  ]);
}

async function show({ client, output }: Session, path: string): Promise<void> {
  let run = await client.call<Run>({ path });
  for (; run.status === 'running'; run = await client.call<Run>({ path })) {
    output.progress(`${run.accounts} accounts listed`);
    await delay(POLL_MS);
  }
  output.endProgress();
  const items = await client.list<Item>({ path: `${path}/items` }, MAX_LISTED);
  if (output.json) output.value({ ...run, items });
  else if (items.length === 0 && run.error === null) output.line(`No difference among ${run.accounts} accounts.`);
  else {
    const rows = items.map((item) => [
      item.expected?.adopt === true ? 'unknown, to be adopted' : item.kind,
      safe(item.user?.username ?? item.user?.id ?? null),
      safe(item.remoteName),
      safe(item.remoteId),
    ]);
    output.table(['difference', 'user', 'name there', 'remote id'], rows);
    output.line(`${run.repaired} made due to be put right.`);
  }
  if (run.error !== null) throw new CliFailure(`The comparison failed: ${safe(run.error)}`);
}
