import { uuidv7 } from 'uuidv7';
import type { DueReason } from '../domain/words';
import { oneRow } from './database';
import type { Queryable } from './database';

/**
 * What was altered. The kind decides whom the expander looks at:
 * - `people`: exactly the users in `users` (membership, profile, state, rename, activity, deletion, imports);
 * - `group`: the group's members now, and `users`;
 * - `state`: everybody (the rule, priority or groups of a state changed);
 * - `grant`: the grant's subject (a user, a group's members, everybody in a state), and `users`, on one service;
 * - `service`: everybody who has or should have an account on the service (mapping, name format, configuration).
 */
export type ChangeKind = 'people' | 'group' | 'state' | 'grant' | 'service';

export interface ChangeSubject {
  readonly userId?: string;
  readonly groupId?: string;
  readonly stateId?: string;
  readonly serviceId?: string;
}

export interface NewChange {
  readonly kind: ChangeKind;
  readonly subject: ChangeSubject;
  /** Why the accounts become due; decides which hook members are called, validate first. */
  readonly reasons: readonly DueReason[];
  /** People to look at besides those that the kind finds by itself, e.g. the members of a group that is being deleted. */
  readonly users?: readonly string[];
  readonly actor: string;
  readonly reason?: string | undefined;
  /** Name of the operation that people see, e.g. `import`, `addMember`. */
  readonly operation: string;
}

export interface RecordedChange {
  readonly changeId: number;
  readonly operationId: string;
}

/**
 * Records a change and its operation. Call it inside the transaction that alters the rows, so that both are committed or
 * neither; expand it after that commit (rule 1).
 */
export async function recordChange(client: Queryable, change: NewChange): Promise<RecordedChange> {
  const operationId = uuidv7();
  const inserted = await client.query<{ id: number }>(
    `insert into changes (kind, subject, reasons, actor, reason, operation_id)
     values ($1, $2, $3, $4, $5, $6) returning id`,
    [change.kind, change.subject, change.reasons, change.actor, change.reason ?? null, operationId],
  );
  const changeId = oneRow(inserted).id;
  if (change.users !== undefined && change.users.length > 0) await addChangeUsers(client, changeId, change.users);
  await client.query(
    `insert into operations (id, kind, service_id, user_id, username, change_id, actor, reason)
     values ($1, $2, $3, $4, (select username from users where id = $4), $5, $6, $7)`,
    [
      operationId,
      change.operation,
      change.subject.serviceId ?? null,
      change.subject.userId ?? null,
      changeId,
      change.actor,
      change.reason ?? null,
    ],
  );
  return { changeId, operationId };
}

/** Adds people to a change that is not committed yet. */
export async function addChangeUsers(client: Queryable, changeId: number, users: readonly string[]): Promise<void> {
  await client.query(
    `insert into change_users (change_id, user_id) select $1, id from unnest($2::uuid[]) id on conflict do nothing`,
    [changeId, users],
  );
}
