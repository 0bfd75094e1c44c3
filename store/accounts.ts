import type { AccountStatus, DueReason } from '../domain/words';
import type { Queryable } from './database';
import { StoreError } from './errors';
import { serviceFigures } from './figures';
import type { ServiceFigures } from './figures';
import type { ReleaseError } from './settle';
import type { Intent } from './situations';

export type Attention = 'waiting' | 'rejected' | 'staged' | 'held' | 'action required';

/** One user on one service, as it is recorded. */
export interface Account {
  readonly serviceId: string;
  readonly service: string;
  readonly userId: string;
  /** The last known one when the person is gone. */
  readonly username: string;
  readonly status: AccountStatus;
  readonly choice: 'wanted' | 'declined' | null;
  readonly remoteId: string | null;
  readonly remoteName: string | null;
  /** What a person must do at the far side before it goes on. */
  readonly instruction: string | null;
  /** Until when they may do it. */
  readonly pendingUntil: Date | null;
  readonly appliedGroups: readonly string[] | null;
  readonly wantedVersion: number;
  readonly appliedVersion: number;
  readonly due: boolean;
  readonly dueReasons: readonly DueReason[];
  /** `never` = not before something changes or a person acts. */
  readonly nextTry: Date | 'never' | null;
  readonly attention: Attention | null;
  readonly failures: number;
  readonly lastError: ReleaseError | null;
  readonly leaseHolder: string | null;
  readonly leaseUntil: Date | null;
  readonly intent: Intent | null;
  readonly intentDeadline: Date | null;
  readonly verify: boolean;
  readonly lastWriteAt: Date | null;
  readonly lastOutcome: string | null;
  /** When it, disabled now, will be deleted. */
  readonly deleteAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const ACCOUNTS = `
  select a.service_id as "serviceId", s.name as service, a.user_id as "userId", a.username, a.status, a.choice,
    a.remote_id as "remoteId", a.remote_name as "remoteName", a.instruction,
    case when a.status = 'pending' then a.pending_until end as "pendingUntil", a.applied_groups as "appliedGroups",
    a.wanted_version as "wantedVersion", a.applied_version as "appliedVersion", a.wanted_version <> a.applied_version as due,
    a.due_reasons as "dueReasons", a.next_try as "nextTry", a.attention, a.failures, a.last_error as "lastError",
    case when a.lease_until > clock_timestamp() then a.lease_holder end as "leaseHolder",
    case when a.lease_until > clock_timestamp() then a.lease_until end as "leaseUntil",
    a.intent, a.intent_deadline as "intentDeadline", a.verify, a.last_write_at as "lastWriteAt", a.last_outcome as "lastOutcome", a.delete_at as "deleteAt",
    a.created_at as "createdAt", a.updated_at as "updatedAt"
  from accounts a join services s on s.id = a.service_id`;

// The driver reads PostgreSQL's 'infinity' as a number.
type AccountRow = Omit<Account, 'nextTry'> & {
  readonly nextTry: Date | number | null;
  readonly [key: string]: unknown;
};

function accountOf(row: AccountRow): Account {
  return { ...row, nextTry: typeof row.nextTry === 'number' ? 'never' : row.nextTry };
}

/** The account of one user on one service, also its tombstone; undefined = there never was one. */
export async function readAccount(db: Queryable, serviceId: string, userId: string): Promise<Account | undefined> {
  const found = await db.query<AccountRow>(`${ACCOUNTS} where a.service_id = $1 and a.user_id = $2`, [
    serviceId,
    userId,
  ]);
  const row = found.rows[0];
  return row === undefined ? undefined : accountOf(row);
}

export interface AccountFilter {
  readonly serviceId: string;
  readonly status?: AccountStatus | undefined;
  readonly attention?: Attention | undefined;
  /** Part of the username or of the remote name; case does not matter. */
  readonly q?: string | undefined;
  /** The last account of the page before. */
  readonly after?: { readonly username: string; readonly userId: string } | undefined;
  readonly limit: number;
}

/** Accounts of one service by username. */
export async function listAccounts(db: Queryable, filter: AccountFilter): Promise<readonly Account[]> {
  const found = await db.query<AccountRow>(
    `${ACCOUNTS}
     where a.service_id = $1 and ($2::text is null or a.status = $2) and ($3::text is null or a.attention = $3)
       and ($4::text is null or a.username ilike $4 or a.remote_name ilike $4)
       and ($5::text is null or (a.username, a.user_id) > ($5, $6::uuid))
     order by a.username, a.user_id limit $7`,
    [
      filter.serviceId,
      filter.status ?? null,
      filter.attention ?? null,
      filter.q === undefined ? null : containing(filter.q),
      filter.after?.username ?? null,
      filter.after?.userId ?? null,
      filter.limit,
    ],
  );
  return found.rows.map(accountOf);
}

/** All accounts of one person, removed ones too, by the name of the service; there is one for each service at most. */
export async function accountsOfUser(db: Queryable, userId: string): Promise<readonly Account[]> {
  const found = await db.query<AccountRow>(`${ACCOUNTS} where a.user_id = $1 order by s.name`, [userId]);
  return found.rows.map(accountOf);
}

/** A pattern for `ilike`: what people type are never wildcards. */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}

/** How many accounts of a service stand where. @throws StoreError not-found */
export async function countAccounts(db: Queryable, serviceId: string): Promise<ServiceFigures> {
  const [figures] = await serviceFigures(db, serviceId);
  if (figures === undefined) throw new StoreError('not-found', `There is no service ${serviceId}.`);
  return figures;
}
