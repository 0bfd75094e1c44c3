import { setTimeout as delay } from 'node:timers/promises';
import { CliFailure } from './failure';
import { safe } from './output';
import type { Client } from './client';
import type { Output, Tone } from './output';

/** The part of an operation that the commands show. */
export interface OperationView {
  readonly id: string;
  readonly kind: string;
  readonly status: 'running' | 'waiting' | 'succeeded' | 'failed' | 'cancelled' | 'superseded';
  readonly outcome: string | null;
  readonly service: string | null;
  readonly user: { readonly id: string; readonly username: string | null } | null;
  readonly actor: string;
  readonly reason: string | null;
  readonly progress: {
    readonly accounts: number;
    readonly done: number;
    readonly waiting: number;
    readonly failed: number;
    readonly staged: number;
  } | null;
  readonly secretReady: boolean;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly links: { readonly self: string; readonly temporal?: string };
}

export interface OperationBody {
  readonly operation: OperationView;
}

const TONES: Readonly<Record<OperationView['status'], Tone>> = {
  running: 'dim',
  waiting: 'warn',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'dim',
  superseded: 'dim',
};

export function statusText(output: Output, status: OperationView['status']): string {
  return output.tone(TONES[status], status);
}

export interface Watching {
  readonly client: Client;
  readonly output: Output;
  /** Stop watching at `waiting` too: nothing more happens until a person acts or time passes. Default true. */
  readonly endsAtWaiting?: boolean;
}

const FIRST_POLL_MS = 200;
const LONGEST_POLL_MS = 2_000;

/** Shows how an operation goes until it has ended, and answers how it then stands. */
export async function watchOperation(
  { client, output, endsAtWaiting = true }: Watching,
  id: string,
): Promise<OperationBody> {
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(LONGEST_POLL_MS, pollMs * 1.3)) {
    const body = await client.call<OperationBody>({ path: `/v1/operations/${id}` });
    const { operation } = body;
    output.progress(progressText(operation));
    const goesOn = operation.status === 'running' || (operation.status === 'waiting' && !endsAtWaiting);
    if (!goesOn) {
      output.endProgress();
      return body;
    }
    await delay(pollMs);
  }
}

/** Watches an operation that a command has started, says how it ended, and fails when it failed. */
export async function followOperation(watching: Watching, id: string): Promise<void> {
  const body = await watchOperation(watching, id);
  const { operation } = body;
  const { output } = watching;
  if (output.json) output.value(body);
  else output.line(`${statusText(output, operation.status)}: ${safe(operation.outcome ?? operation.kind)}`);
  if (operation.status === 'waiting' && !output.json) output.line(waitingText(operation));
  if (operation.status === 'failed')
    throw new CliFailure(`The operation ${id} failed.`, { details: [`See \`muster operations ${id}\`.`] });
}

/** Who has to act now. */
function waitingText({ progress, service }: OperationView): string {
  if (progress === null || progress.staged === 0)
    return 'It goes on by itself, or waits for a person: see `npx muster status`.';
  return `The guard holds ${progress.staged} back until you decide: npx muster guard ${service ?? 'SERVICE'}`;
}

function progressText({ status, outcome, progress }: OperationView): string {
  if (progress === null || progress.accounts === 0) return `${status} ${safe(outcome ?? '')}`.trim();
  const { accounts, done, waiting, failed, staged } = progress;
  const rest = Object.entries({ waiting, failed, staged }).filter(([, count]) => count > 0);
  return [`${done} of ${accounts} accounts`, ...rest.map(([word, count]) => `${count} ${word}`)].join(', ');
}
