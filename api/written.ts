import { z } from 'zod';
import { reasonText } from './fields';
import { operationAnswer, operationSchema } from './operation-answer';
import type { WrittenBy } from '../store/users';
import type { RecordedChange } from '../store/changes';
import type { Answer, RequestFacts, Responses } from './route';

/** Query parameter of every write to the organisation. */
export const reasonQuery = {
  reason: reasonText.optional().meta({ description: 'why; written to the audit trail' }),
} as const;

/** The answers of a write: with an operation when something was altered, without one when everything was so already. */
export function writtenResponses(extra: Readonly<Record<string, z.ZodType>>): Responses {
  return {
    202: {
      description: 'The change is committed, its work has been started. Location leads to the operation.',
      schema: z.object({ operation: operationSchema, ...extra }),
    },
    200: {
      description: 'Nothing was altered (no `operation`), or with `Prefer: wait`: the operation has ended',
      schema: z.object({ operation: operationSchema.optional(), ...extra }),
    },
  };
}

/** Tells the flow of a committed change and answers its operation; without a change there was nothing to do. */
export async function writtenAnswer(
  request: Pick<RequestFacts, 'context' | 'waitMs' | 'signal'>,
  change: RecordedChange | undefined,
  extra: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  if (change === undefined) return { status: 200, body: extra };
  await request.context.flow.changed(change.changeId);
  return operationAnswer(request, change.operationId, extra);
}

/** Who writes, for the store. */
export function writtenBy(request: Pick<RequestFacts, 'principal'>, reason: string | undefined): WrittenBy {
  return { actor: request.principal.actor, reason };
}
