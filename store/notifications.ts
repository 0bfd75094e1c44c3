import { uuidv7 } from 'uuidv7';
import { found, isUuid } from './checked';
import type { Queryable } from './database';

export type NotificationLevel = 'info' | 'success' | 'warning' | 'danger';

export interface NewNotification {
  /** The person it is for; null: to the operators. */
  readonly userId: string | null;
  readonly level: NotificationLevel;
  readonly title: string;
  readonly text: string;
  readonly serviceName?: string | undefined;
  /** While a notification with this key is unread, no second one is made. */
  readonly dedupeKey?: string | undefined;
  /** Also send it to the webhook and by mail, where there is a server for it. Default false. */
  readonly deliver?: boolean | undefined;
}

export interface NotificationRecord {
  readonly id: string;
  readonly userId: string | null;
  readonly level: NotificationLevel;
  readonly title: string;
  readonly text: string;
  readonly serviceName: string | null;
  readonly createdAt: Date;
  readonly readAt: Date | null;
}

const COLUMNS = `id, user_id as "userId", level, title, text, service_name as "serviceName", created_at as "createdAt", read_at as "readAt"`;

type Row = NotificationRecord & { readonly [key: string]: unknown };

/** Adds a notification; its id, or undefined when one with the same key is still unread. May run inside a transaction. */
export async function insertNotification(db: Queryable, notification: NewNotification): Promise<string | undefined> {
  const inserted = await db.query<{ id: string }>(
    `insert into notifications (id, user_id, level, title, text, service_name, dedupe_key, delivery, delivery_next, mail)
     values ($1, $2, $3, $4, $5, $6, $7, case when $8 then 'due' else 'none' end, case when $8 then clock_timestamp() end,
       case when $8 then 'due' else 'none' end)
     on conflict (dedupe_key) where dedupe_key is not null and read_at is null do nothing
     returning id`,
    [
      uuidv7(),
      notification.userId,
      notification.level,
      notification.title,
      notification.text,
      notification.serviceName ?? null,
      notification.dedupeKey ?? null,
      notification.deliver ?? false,
    ],
  );
  return inserted.rows[0]?.id;
}

export interface NotificationFilter {
  /** A person's; null: the operators'; undefined: everybody's. */
  readonly userId?: string | null | undefined;
  readonly unread?: boolean | undefined;
  /** Id after which the page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** A page of notifications, newest first (ids grow with time). */
export async function listNotifications(
  db: Queryable,
  filter: NotificationFilter,
): Promise<readonly NotificationRecord[]> {
  const rows = await db.query<Row>(
    `select ${COLUMNS} from notifications
     where ($1 or user_id = $2 or ($2::uuid is null and user_id is null)) and ($3::boolean is null or (read_at is null) = $3)
       and ($4::uuid is null or id < $4)
     order by id desc limit $5`,
    [filter.userId === undefined, filter.userId ?? null, filter.unread ?? null, filter.after ?? null, filter.limit],
  );
  return rows.rows;
}

/** How many a person (null: the operators) has not read. */
export async function countUnread(db: Queryable, userId: string | null): Promise<number> {
  const row = await db.query<{ unread: number }>(
    `select count(*) as unread from notifications
     where (user_id = $1 or ($1::uuid is null and user_id is null)) and read_at is null`,
    [userId],
  );
  return row.rows[0]?.unread ?? 0;
}

/** One notification. @throws StoreError not-found */
export async function readNotification(db: Queryable, id: string): Promise<NotificationRecord> {
  const row = isUuid(id) ? await db.query<Row>(`select ${COLUMNS} from notifications where id = $1`, [id]) : undefined;
  return found(row?.rows[0], 'such notification');
}

/** Marks one as read; false if it was. A later notification with its key is then a new one. */
export async function markRead(db: Queryable, id: string): Promise<boolean> {
  const updated = await db.query(
    `update notifications set read_at = clock_timestamp() where id = $1 and read_at is null`,
    [id],
  );
  return updated.rowCount === 1;
}

/** Marks all of a person's as read. */
export async function markAllRead(db: Queryable, userId: string): Promise<void> {
  await db.query(`update notifications set read_at = clock_timestamp() where user_id = $1 and read_at is null`, [
    userId,
  ]);
}

export interface DueDelivery extends NotificationRecord {
  readonly attempts: number;
}

/** How long a taken delivery belongs to who took it: beyond the deadline of one webhook call. */
const TAKEN_SECONDS = 60;

/** Takes notifications whose webhook call is due; each is taken by one process, and is due again if that one dies. */
export async function takeDeliveries(db: Queryable, limit: number): Promise<readonly DueDelivery[]> {
  const rows = await db.query<DueDelivery & { [key: string]: unknown }>(
    `update notifications set delivery_attempts = delivery_attempts + 1,
       delivery_next = clock_timestamp() + make_interval(secs => $2)
     where id in (select id from notifications where delivery = 'due' and delivery_next <= clock_timestamp()
       order by delivery_next limit $1 for update skip locked)
     returning ${COLUMNS}, delivery_attempts as attempts`,
    [limit, TAKEN_SECONDS],
  );
  return rows.rows;
}

/** Gives up what could not be delivered for so long. It stays in the API. */
export async function expireDeliveries(db: Queryable, maxAgeHours: number): Promise<void> {
  await db.query(
    `update notifications set delivery = 'failed', delivery_next = null
     where delivery = 'due' and created_at < clock_timestamp() - make_interval(hours => $1)`,
    [maxAgeHours],
  );
}

export type DeliveryOutcome =
  { readonly outcome: 'delivered' } | { readonly outcome: 'again'; readonly inMs: number; readonly error: string };

/** Writes down how a webhook call ended. `error` must hold no secret. */
export async function recordDelivery(db: Queryable, id: string, result: DeliveryOutcome): Promise<void> {
  await db.query(
    `update notifications set delivery = $2, delivery_error = $3,
       delivery_next = case when $2 = 'due' then clock_timestamp() + make_interval(secs => $4::double precision / 1000.0) end
     where id = $1 and delivery = 'due'`,
    [
      id,
      result.outcome === 'again' ? 'due' : result.outcome,
      result.outcome === 'delivered' ? null : result.error,
      result.outcome === 'again' ? result.inMs : null,
    ],
  );
}
