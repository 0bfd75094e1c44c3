import { z } from 'zod';
import { findClient } from '../store/auth-clients';
import { readClientWrite } from '../store/client-writes';
import { waitForOperation } from '../store/operations';
import type { Operation } from '../store/operations';
import type { ApiContext } from './context';
import { operationSchema, showOperation } from './operation-answer';
import { preferenceApplied } from './prefer';
import { Problem } from './problem';
import { PROBLEMS } from './problem-codes';
import type { Written } from '../auth/client-writes';
import type { ClientRecord } from '../store/auth-clients';
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

type Asked = Awaited<ReturnType<typeof readClientWrite>>;

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
  const write = await readClientWrite(context.db, writeId);
  if (operation.status === 'failed') throw refusal(write);
  if (operation.status === 'superseded') throw new Problem('conflict', 'Something newer was asked about this client.');
  if (operation.status === 'succeeded') return done(await clientOf(context, write));
  return accepted(operation, { context, waitMs });
}

async function clientOf({ db }: ApiContext, write: Asked): Promise<ClientRecord | undefined> {
  const id = write?.clientId ?? null;
  return id === null ? undefined : findClient(db, { id });
}

function accepted(operation: Operation, { context, waitMs }: Pick<RequestFacts, 'context' | 'waitMs'>): Answer {
  const location = { Location: `/v1/operations/${operation.id}` };
  return {
    status: 202,
    headers: waitMs === undefined ? location : { ...location, ...preferenceApplied(waitMs) },
    body: { operation: showOperation(operation, context) },
  };
}

function refusal(write: Asked): Problem {
  const code = write?.refusal ?? null;
  const known = code !== null && code in PROBLEMS ? (code as ProblemCode) : 'provider-failed';
  return new Problem(known, write?.error ?? 'The provider refused it.');
}
