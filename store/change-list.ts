import type { ChangeKind, ChangeSubject } from './changes';
import type { Queryable } from './database';

export interface ChangeRecord {
  readonly id: number;
  readonly kind: ChangeKind;
  readonly subject: ChangeSubject;
  readonly reasons: readonly string[];
  readonly actor: string;
  readonly reason: string | null;
  readonly operationId: string | null;
  /** Name of the operation, e.g. `import`. */
  readonly operation: string | null;
  /** People named by the change itself; those that its kind finds come on top. */
  readonly users: number;
  readonly committedAt: Date;
  /** null: not everybody concerned is known yet. */
  readonly expandedAt: Date | null;
}

const CHANGES = `select c.id, c.kind, c.subject, c.reasons, c.actor, c.reason, c.operation_id as "operationId", o.kind as operation,
    (select count(*) from change_users u where u.change_id = c.id) as users,
    c.committed_at as "committedAt", c.expanded_at as "expandedAt"
  from changes c left join operations o on o.id = c.operation_id`;

type Row = ChangeRecord & { readonly [key: string]: unknown };

/** A page of changes, newest first; `after` is the id that the page before ended with. */
export async function listChanges(
  db: Queryable,
  filter: { readonly kind?: string | undefined; readonly after?: number | undefined; readonly limit: number },
): Promise<readonly ChangeRecord[]> {
  const rows = await db.query<Row>(
    `${CHANGES} where ($1::text is null or c.kind = $1) and ($2::bigint is null or c.id < $2) order by c.id desc limit $3`,
    [filter.kind ?? null, filter.after ?? null, filter.limit],
  );
  return rows.rows;
}

/** One change, or undefined. */
export async function readChange(db: Queryable, id: number): Promise<ChangeRecord | undefined> {
  const row = await db.query<Row>(`${CHANGES} where c.id = $1`, [id]);
  return row.rows[0];
}
