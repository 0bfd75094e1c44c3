import { Argument } from 'commander';
import { openSession, withExamples } from './command';
import { usageFailure } from './failure';
import { followOperation } from './operation';
import { ago, safe } from './output';
import type { Command } from 'commander';
import type { Session } from './command';
import type { OperationBody } from './operation';

interface Staged {
  readonly id: string;
  readonly user: { readonly username: string };
  readonly kind: string;
  readonly groups: readonly string[];
  readonly stagedAt: string;
  readonly decision: 'approved' | 'rejected' | 'cancelled' | null;
  readonly decidedAt: string | null;
  readonly decidedBy: string | null;
  readonly decisionReason: string | null;
  readonly change: { readonly actor: string | null; readonly reason: string | null } | null;
}

interface Options {
  readonly all?: true;
  readonly history?: true;
  readonly reason?: string;
}

interface Decision {
  readonly service: string;
  readonly verdict: 'approve' | 'reject';
  readonly ids: readonly string[];
  readonly options: Options;
}

const MAX_LISTED = 10_000;

/** `muster guard SERVICE [approve|reject] [ids...]` */
export function addGuard(program: Command): void {
  const command = program
    .command('guard <service>')
    .description('shows removals that wait for a person, and decides about them')
    .addArgument(new Argument('[decision]', 'what to do with them').choices(['approve', 'reject']))
    .argument('[ids...]', 'which of them')
    .option('--all', 'all that wait at this moment')
    .option('--history', 'also what was decided: by whom, when and why')
    .option('--reason <text>', 'why; needed for a decision')
    .action(async function guard(this: Command, service: string, verdict: Decision['verdict'] | undefined) {
      const ids = this.args.slice(2);
      const session = openSession(this);
      if (verdict === undefined) await list(session, service, this.opts<Options>().history === true);
      else await decide(session, { service, verdict, ids, options: this.opts<Options>() });
    });
  withExamples(command, [
    ['muster guard postgres', 'what waits'],
    ['muster guard postgres --history', 'and what was decided'],
    ['muster guard postgres approve --all --reason "left in May"', 'let it happen'],
    ['muster guard postgres reject ID --reason "still needed"', 'keep that account'],
  ]);
}

async function list({ client, output }: Session, service: string, history: boolean): Promise<void> {
  const query = { show: history ? 'all' : 'open' };
  const items = await client.list<Staged>({ path: guardPath(service), query }, MAX_LISTED);
  if (output.json) {
    output.value({ items });
    return;
  }
  if (items.length === 0) {
    output.line(history ? 'Nothing was ever staged.' : 'Nothing waits for a decision.');
    return;
  }
  output.table(
    ['id', 'user', 'what', 'staged', 'because', ...(history ? ['decision'] : [])],
    items.map((item) => [
      item.id,
      safe(item.user.username),
      whatOf(item),
      ago(item.stagedAt),
      becauseOf(item),
      ...(history ? [decisionOf(item)] : []),
    ]),
  );
}

function decisionOf({ decision, decidedAt, decidedBy, decisionReason }: Staged): string {
  if (decision === null) return 'waits';
  const why = decisionReason === null ? '' : `: ${safe(decisionReason)}`;
  return `${decision} ${ago(decidedAt)} by ${safe(decidedBy)}${why}`;
}

function whatOf({ kind, groups }: Staged): string {
  return groups.length === 0 ? kind : `${kind}: ${groups.map(safe).join(', ')}`;
}

function becauseOf({ change }: Staged): string {
  if (change === null) return '-';
  return [change.actor, change.reason]
    .filter((part) => part !== null)
    .map(safe)
    .join(': ');
}

async function decide({ client, output }: Session, { service, verdict, ids, options }: Decision): Promise<void> {
  if (options.reason === undefined) throw usageFailure('A decision needs a --reason.');
  if ((ids.length === 0) === (options.all === undefined)) throw usageFailure('Name ids, or give --all.');
  const body = { ids: options.all === true ? 'all' : ids, reason: options.reason };
  const path = `${guardPath(service)}/${verdict}`;
  const answer = await client.call<OperationBody & { readonly decided: number; readonly notOpen: readonly string[] }>({
    method: 'POST',
    path,
    body,
  });
  if (!output.json) {
    output.line(`${answer.decided} ${verdict === 'approve' ? 'approved' : 'rejected'}.`);
    if (answer.notOpen.length > 0) output.line(`Not open any more: ${answer.notOpen.join(', ')}`);
  }
  await followOperation({ client, output }, answer.operation.id);
}

function guardPath(service: string): string {
  return `/v1/services/${encodeURIComponent(service)}/guard`;
}
