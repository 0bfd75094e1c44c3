import { z } from 'zod';
import { findClient } from '../store/auth-clients';
import { readClientWrite } from '../store/client-writes';
import { waitForOperation } from '../store/operations';
import { operationSchema, showOperation } from './operation-answer';
import { preferenceApplied } from './prefer';
import { Problem } from './problem';
import { PROBLEMS } from './problem-codes';
import type { Written } from '../auth/client-writes';
import type { ClientRecord } from '../store/auth-clients';
import type { OperationStatus } from '../store/operations';
import type { ProblemCode } from './problem-codes';
import type { Answer, RequestFacts, Responses } from './route';

/** How long a request waits by itself for a worker: mostly the provider has answered by then. */
const WAIT_MS = 5_000;

/** The answer of every route that writes into the system behind a provider. */
export const queuedResponse: Responses = {
  202: {
    description:
      'Written down: a worker does it as soon as the system behind the provider answers. Location leads to the operation. ' +
      '`Prefer: wait=N` says how many seconds to wait for it before (default 5).',
    schema: z.object({ operation: operationSchema }),
  },
};

/** What such a route may answer beside its own problems. */
export const WRITE_PROBLEMS = [
  'conflict',
  'already-exists',
  'not-found',
  'not-acceptable-value',
  'not-offered',
  'provider-failed',
  'provider-unavailable',
] as const satisfies readonly ProblemCode[];

/**
 * Answers a request about a client: `done` when it is done, by a worker within some seconds, else 202 with the operation.
 * @throws Problem with what the provider refused
 */
export async function writeAnswer(
  request: Pick<RequestFacts, 'context' | 'waitMs' | 'signal'>,
  written: Written,
  done: (client: ClientRecord | undefined) => Answer,
): Promise<Answer> {
  if (written.state === 'done') return done(written.client);
  const { context, waitMs, signal } = request;
  const { writeId, operationId } = written;
  await context.flow.clientWriteQueued(writeId);
  const operation = await waitForOperation(context.db, operationId, { timeoutMs: waitMs ?? WAIT_MS, signal });
  if (operation === undefined) throw new Problem('not-found', `There is no operation ${operationId}.`);
  const hasEnded = operation.status !== 'running' && operation.status !== 'waiting';
  if (hasEnded) return done(await clientOf(context, { writeId, status: operation.status }));
  return {
    status: 202,
    headers: { Location: `/v1/operations/${operationId}`, ...(waitMs === undefined ? {} : preferenceApplied(waitMs)) },
    body: { operation: showOperation(operation, context) },
  };
}

/** The client of a write that has ended. @throws Problem when it was refused or superseded */
async function clientOf(
  { db }: Pick<RequestFacts['context'], 'db'>,
  { writeId, status }: { readonly writeId: string; readonly status: OperationStatus },
): Promise<ClientRecord | undefined> {
  if (status === 'superseded') throw new Problem('conflict', 'Something newer was asked about this client.');
  const write = await readClientWrite(db, writeId);
  if (status !== 'succeeded') throw refusal(write?.refusal ?? null, write?.error ?? null);
  const clientId = write?.clientId ?? null;
  return clientId === null ? undefined : findClient(db, { id: clientId });
}

function refusal(code: string | null, reason: string | null): Problem {
  const known = code !== null && code in PROBLEMS ? (code as ProblemCode) : 'provider-failed';
  return new Problem(known, reason ?? 'The provider refused it.');
}
