import { uuidv7 } from 'uuidv7';
import { likePattern } from './users';
import type { Queryable } from './database';

export type AuditOutcome = 'done' | 'refused' | 'failed';

/** One line of the audit trail. Holds ids and permissions, never a secret and nothing that a person typed. */
export interface AuditEntry {
  readonly outcome: AuditOutcome;
  readonly actor: string;
  readonly clientId?: string | undefined;
  /** What was asked, e.g. `POST /v1/auth/clients/{client}/disable`. */
  readonly action: string;
  /** On what: the path's values. */
  readonly target: string;
  /** Why refused, e.g. the permission that is missing. */
  readonly detail?: string | undefined;
  readonly address?: string | undefined;
  readonly requestId?: string | undefined;
}

export interface AuditRecord extends Pick<AuditEntry, 'outcome' | 'actor' | 'action' | 'target'> {
  readonly id: string;
  readonly at: Date;
  readonly clientId: string | null;
  readonly detail: string;
  readonly address: string;
  readonly requestId: string;
  /** So often within the minute. */
  readonly count: number;
}

/** Writes a line down. The same refusal within a minute is counted, so that nobody can fill the disk with refusals. */
export async function insertAudit(db: Queryable, entry: AuditEntry): Promise<void> {
  await db.query(
    `insert into audit as a (id, outcome, actor, client_id, action, target, detail, address, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (minute, actor, action, target, detail, address) where outcome = 'refused'
     do update set count = a.count + 1, at = clock_timestamp()`,
    [
      uuidv7(),
      entry.outcome,
      entry.actor,
      entry.clientId ?? null,
      entry.action,
      entry.target,
      entry.detail ?? '',
      entry.address ?? '',
      entry.requestId ?? '',
    ],
  );
}

export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly outcome?: AuditOutcome | undefined;
  /** Part of what was asked: method, path, or one of its ids. */
  readonly q?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** A page of the trail, newest first. */
export async function listAudit(db: Queryable, filter: AuditFilter): Promise<readonly AuditRecord[]> {
  const rows = await db.query<AuditRecord & { readonly [key: string]: unknown }>(
    `select id, at, outcome, actor, client_id as "clientId", action, target, detail, address, request_id as "requestId", count
     from audit where ($1::uuid is null or id < $1) and ($2::text is null or actor = $2) and ($3::text is null or outcome = $3)
       and ($5::text is null or action ilike $5 or target ilike $5 or detail ilike $5)
     order by id desc limit $4`,
    [
      filter.after ?? null,
      filter.actor ?? null,
      filter.outcome ?? null,
      filter.limit,
      filter.q === undefined ? null : likePattern(filter.q),
    ],
  );
  return rows.rows;
}
