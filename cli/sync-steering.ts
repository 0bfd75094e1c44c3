import { usageFailure } from './failure';
import { followOperation } from './operation';
import { safe } from './output';
import type { Session } from './command';
import type { OperationBody } from './operation';

/** What can be done with a sync that was asked for: each takes its id. */
export const SYNC_VERBS = ['show', 'pause', 'resume', 'cancel', 'retry', 'plan', 'approve'] as const;
export type SyncVerb = (typeof SYNC_VERBS)[number];

export interface SyncOrder {
  readonly service: string;
  readonly verb: SyncVerb;
  readonly id: string;
  readonly reason?: string;
  readonly watch: boolean;
}

/** The part of a sync that the commands show. */
interface SyncView {
  readonly id: string;
  readonly kind: string;
  readonly dryRun: boolean;
  readonly status: string;
  readonly total: number;
  readonly succeeded: number;
  readonly unchanged: number;
  readonly skipped: number;
  readonly failed: number;
  readonly progress: {
    readonly done: number;
    readonly ratePerSecond: number | null;
    readonly endsAt: string | null;
    readonly waitsFor: string | null;
  };
}

interface PlannedView {
  readonly user: { readonly id: string; readonly username: string | null };
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly steps: readonly string[];
  readonly why: string | null;
}

const MAX_LISTED = 10_000;

/** The one order among the options; undefined = a new sync is asked for. @throws CliFailure (more than one) */
export function orderOf(
  options: Readonly<Partial<Record<SyncVerb, string>>>,
): Pick<SyncOrder, 'verb' | 'id'> | undefined {
  const given = SYNC_VERBS.flatMap((verb) => {
    const id = options[verb];
    return id === undefined ? [] : [{ verb, id }];
  });
  if (given.length > 1) throw usageFailure(`Give one of ${given.map(({ verb }) => `--${verb}`).join(' and ')}.`);
  return given[0];
}

/** Carries out an order about one sync. */
export async function steerSync(session: Session, order: SyncOrder): Promise<void> {
  const path = `/v1/services/${encodeURIComponent(order.service)}/syncs/${encodeURIComponent(order.id)}`;
  switch (order.verb) {
    case 'show':
      if (order.watch) await watchSync(session, path);
      return showSync(session, await session.client.call<SyncView>({ path }));
    case 'pause':
    case 'resume':
    case 'cancel':
      return showSync(session, await session.client.call<SyncView>({ method: 'POST', path: `${path}/${order.verb}` }));
    case 'plan':
      return showPlan(session, `${path}/plan`);
    case 'retry':
    case 'approve':
      return followUp(session, order, `${path}/${order.verb}`);
  }
}

async function followUp({ client, output }: Session, order: SyncOrder, path: string): Promise<void> {
  const { reason, watch } = order;
  const answer = await client.call<OperationBody & { readonly sync: SyncView }>({
    method: 'POST',
    path,
    body: reason === undefined ? {} : { reason },
  });
  if (watch) await followSync({ client, output }, { ...order, id: answer.sync.id }, answer.operation.id);
  else if (output.json) output.value(answer);
  else output.line(`Started the sync ${safe(answer.sync.id)}; see \`muster operations ${answer.operation.id}\`.`);
}

/** Shows how a sync goes until it has ended, then how its operation ended. */
export async function followSync(
  session: Session,
  { service, id }: { readonly service: string; readonly id: string },
  operationId: string,
): Promise<void> {
  await watchSync(session, `/v1/services/${encodeURIComponent(service)}/syncs/${encodeURIComponent(id)}`);
  await followOperation(session, operationId);
}

async function watchSync({ client, output }: Session, path: string): Promise<void> {
  for await (const sync of client.events<SyncView>(`${path}/events`)) output.progress(progressText(sync));
  output.endProgress();
}

function progressText({ status, total, failed, progress }: SyncView): string {
  const { done, ratePerSecond, endsAt, waitsFor } = progress;
  return [
    `${safe(status)}: ${done} of ${total} accounts`,
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(ratePerSecond === null ? [] : [`${ratePerSecond} a second`]),
    ...(endsAt === null ? [] : [`until about ${safe(endsAt)}`]),
    ...(waitsFor === null ? [] : [`waits for: ${safe(waitsFor)}`]),
  ].join(', ');
}

function showSync({ output }: Session, sync: SyncView): void {
  if (output.json) {
    output.value(sync);
    return;
  }
  const { total, succeeded, unchanged, skipped, failed, progress } = sync;
  output.line(`${sync.dryRun ? 'plan' : 'sync'} ${safe(sync.kind)}: ${safe(sync.status)}`);
  output.line(
    `${progress.done} of ${total} accounts: ${succeeded} changed, ${unchanged} unchanged, ${skipped} skipped, ${failed} failed`,
  );
  if (progress.ratePerSecond !== null) output.line(`${progress.ratePerSecond} a second`);
  if (progress.endsAt !== null) output.line(`ends at about ${safe(progress.endsAt)}`);
  if (progress.waitsFor !== null) output.line(`waits for: ${safe(progress.waitsFor)}`);
}

/** Only what would change, or cannot: the rest of a plan is that nothing happens. */
async function showPlan({ client, output }: Session, path: string): Promise<void> {
  const items = await client.list<PlannedView>({ path }, MAX_LISTED);
  if (output.json) {
    output.value({ items });
    return;
  }
  const telling = items.filter((item) => item.outcome !== 'unchanged');
  if (telling.length === 0) {
    output.line('Nothing would be changed.');
    return;
  }
  output.table(
    ['user', 'would do', 'because'],
    telling.map(({ user, steps, reason, why }) => [
      safe(user.username ?? user.id),
      steps.length > 0 ? steps.map(safe).join(', ') : safe(reason ?? 'not looked at yet'),
      safe(why ?? '-'),
    ]),
  );
}
