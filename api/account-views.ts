import { z } from 'zod';
import { timestamp, uuid } from './fields';
import { operationSchema, showOperation } from './operation-answer';
import type { Account } from '../store/accounts';
import type { Explanation } from '../store/explain';
import type { ApiContext } from './context';

export const accountStatus = z.enum(['none', 'pending', 'active', 'disabled', 'removed']).meta({
  description: '`none`: wanted, nothing there yet; `removed`: it was taken away, its history stays',
});
export const attention = z.enum(['waiting', 'rejected', 'staged', 'held', 'action required']);

export const accountSchema = z
  .object({
    service: z.string(),
    user: z.object({ id: uuid, username: z.string() }),
    status: accountStatus,
    choice: z
      .enum(['wanted', 'declined'])
      .nullable()
      .meta({ description: 'what the person said; null = as the service begins' }),
    remoteId: z.string().nullable(),
    remoteName: z.string().nullable(),
    instruction: z.string().nullable().meta({ description: 'what the person must do at the service' }),
    pendingUntil: timestamp.nullable().meta({ description: 'until when they may do it' }),
    due: z.boolean().meta({ description: 'something is still to be done' }),
    dueReasons: z.array(z.string()),
    attention: attention.nullable(),
    nextTry: z
      .union([timestamp, z.literal('never')])
      .nullable()
      .meta({ description: '`never`: not before something changes or a person acts' }),
    failures: z.number().int(),
    lastError: z.object({ kind: z.string(), message: z.string(), code: z.string().optional() }).nullable(),
    lastOutcome: z.string().nullable(),
    lastWriteAt: timestamp.nullable(),
    running: z.boolean().meta({ description: 'a worker writes it at this moment' }),
    createdAt: timestamp,
    updatedAt: timestamp,
    links: z.object({ self: z.string() }),
  })
  .meta({ id: 'Account' });

/** An account as the API shows it. */
export function showAccount(account: Account): z.input<typeof accountSchema> {
  const { status, choice, remoteId, remoteName, instruction, due, nextTry, failures, lastOutcome, lastWriteAt } =
    account;
  return {
    service: account.service,
    user: { id: account.userId, username: account.username },
    status,
    choice,
    remoteId,
    remoteName,
    instruction,
    pendingUntil: account.pendingUntil,
    due,
    dueReasons: [...account.dueReasons],
    attention: account.attention,
    nextTry,
    failures,
    lastError: account.lastError === null ? null : showError(account.lastError),
    lastOutcome,
    lastWriteAt,
    running: account.leaseHolder !== null,
    createdAt: account.createdAt,
    updatedAt: account.updatedAt,
    links: { self: `/v1/services/${account.service}/accounts/${account.userId}` },
  };
}

function showError({
  kind,
  message,
  code,
}: NonNullable<Account['lastError']>): z.input<typeof accountSchema>['lastError'] {
  return { kind, message, ...(code === undefined ? {} : { code }) };
}

const explainedGroup = z.object({
  name: z.string(),
  because: z.array(z.object({ kind: z.enum(['group', 'state']), name: z.string(), rule: z.string() })),
});

const eventSchema = z.object({
  id: z.number().int(),
  at: timestamp,
  step: z.string(),
  data: z.record(z.string(), z.unknown()),
});

export const explanationSchema = z
  .object({
    service: z.string(),
    user: z.object({
      id: uuid,
      username: z.string().nullable(),
      active: z.boolean(),
      state: z.string().nullable(),
      gone: z.boolean(),
    }),
    wanted: z.boolean().meta({ description: 'should there be an account' }),
    why: z.string(),
    entitled: z.boolean(),
    grants: z.array(
      z.object({
        id: uuid,
        kind: z.enum(['user', 'group', 'state']),
        subject: z.string(),
        grantedBy: z.string(),
        grantedAt: timestamp,
      }),
    ),
    account: accountSchema.nullable().meta({ description: 'null: there never was one' }),
    name: z.object({
      remoteName: z.string().nullable(),
      reserved: z.array(z.string()),
      formatted: z.string().nullable(),
      format: z.string(),
      from: z.string(),
    }),
    groups: z.object({
      membership: z.enum(['by account', 'by group', 'none']),
      desired: z.array(explainedGroup),
      applied: z.array(explainedGroup).nullable().meta({ description: 'null: never written' }),
      missing: z.array(z.string()),
      surplus: z.array(z.string()),
    }),
    nextTry: z.object({ at: timestamp.nullable(), why: z.string() }),
    staged: z.array(
      z.object({
        id: uuid,
        kind: z.string(),
        decision: z.string().nullable(),
        stagedAt: timestamp,
        groups: z.array(z.string()),
      }),
    ),
    held: z.array(z.object({ kind: z.string(), heldBy: z.string(), heldAt: timestamp })),
    events: z.array(eventSchema).meta({ description: 'the last steps, newest first' }),
    operations: z.array(operationSchema).meta({ description: 'who asked for what, newest first' }),
  })
  .meta({ id: 'Explanation', description: 'everything that says why an account is as it is' });

/** An explanation as the API shows it. */
export function showExplanation(explanation: Explanation, context: ApiContext): object {
  const { service, userId, username, person, account, groups, operations } = explanation;
  const { wanted, why, entitled, grants, name, nextTry, staged, held, events } = explanation;
  const withoutId = ({ name: group, because }: Explanation['groups']['desired'][number]): object => ({
    name: group,
    because,
  });
  return {
    service,
    user: {
      id: userId,
      username,
      active: person?.active ?? false,
      state: person?.state ?? null,
      gone: person === null,
    },
    wanted,
    why,
    entitled,
    grants,
    account: account === undefined ? null : showAccount(account),
    name,
    groups: { ...groups, desired: groups.desired.map(withoutId), applied: groups.applied?.map(withoutId) ?? null },
    nextTry,
    staged,
    held,
    events,
    operations: operations.map((operation) => showOperation(operation, context)),
  };
}
