import { uuidv7 } from 'uuidv7';
import { found } from './checked';
import type { Database, Queryable } from './database';

export type MailKind = 'password-reset' | 'invitation' | 'notification';

/** A mail that is to be sent. */
export interface MailRecord {
  readonly id: string;
  readonly kind: MailKind;
  readonly sealedLogin: Buffer | null;
  readonly clientId: string | null;
  readonly notificationId: string | null;
  readonly attempts: number;
  /** Beyond its time nobody wants it any more. */
  readonly expired: boolean;
}

/** How long each kind is worth sending, in milliseconds. */
const LIFE_MS: Readonly<Record<MailKind, number>> = {
  'password-reset': 3_600_000,
  invitation: 7 * 24 * 3_600_000,
  notification: 48 * 3_600_000,
};

/** Names the row before it is there, so that what is in it can be sealed for it. */
export function newMailId(): string {
  return uuidv7();
}

/** Somebody has forgotten a password: whether there is such a client is found out at sending. Answers the operation; undefined = too many ask. */
export function queuePasswordReset(db: Database, id: string, sealedLogin: Buffer): Promise<string | undefined> {
  return db.transaction(async (client) => {
    if (await isFlooded(client)) return undefined;
    const operationId = await mailOperation(client, { kind: 'sendPasswordReset', actor: 'client:anonymous' });
    await insert(client, { id, kind: 'password-reset', sealedLogin, operationId });
    return operationId;
  });
}

const RESETS_PER_MINUTE = 300;

/** Anybody may ask, so there is an end to what is kept of it. */
async function isFlooded(db: Queryable): Promise<boolean> {
  const recent = await db.query(
    `select from mails where kind = 'password-reset' and created_at > clock_timestamp() - interval '1 minute' limit $1`,
    [RESETS_PER_MINUTE],
  );
  return recent.rowCount === RESETS_PER_MINUTE;
}

/** A first password for a client. Answers the operation. Part of the transaction that makes the client. */
export async function queueInvitation(
  db: Queryable,
  invitation: { readonly id: string; readonly clientId: string; readonly userId: string; readonly actor: string },
): Promise<string> {
  const { id, clientId, userId, actor } = invitation;
  const operationId = await mailOperation(db, { kind: 'sendInvitation', actor, userId });
  await insert(db, { id, kind: 'invitation', clientId, operationId });
  return operationId;
}

async function mailOperation(
  db: Queryable,
  { kind, actor, userId }: { readonly kind: string; readonly actor: string; readonly userId?: string },
): Promise<string> {
  const id = uuidv7();
  await db.query(
    `insert into operations (id, kind, user_id, username, actor)
     values ($1, $2, $3, (select username from users where id = $3), $4)`,
    [id, kind, userId ?? null, actor],
  );
  return id;
}

interface NewMail {
  readonly id: string;
  readonly kind: MailKind;
  readonly sealedLogin?: Buffer;
  readonly clientId?: string;
  readonly operationId: string;
}

async function insert(db: Queryable, { id, kind, sealedLogin, clientId, operationId }: NewMail): Promise<void> {
  await db.query(
    `insert into mails (id, kind, sealed_login, client_id, operation_id, expires_at)
     values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6::double precision / 1000))`,
    [id, kind, sealedLogin ?? null, clientId ?? null, operationId, LIFE_MS[kind]],
  );
}

/**
 * Makes mails of the notifications that wait for one: of persons who have an address, and the operators' if they have one.
 * Answers how many.
 */
export async function queueNotificationMails(db: Queryable, toOperators: boolean, limit: number): Promise<number> {
  const queued = await db.query(
    `with waiting as (
       select n.id, n.created_at, (n.user_id is null and $1) or (u.email is not null and u.mail_notifications) as reachable
       from notifications n left join users u on u.id = n.user_id and u.active
       where n.mail = 'due' order by n.id limit $2
     ), looked_at as (
       update notifications n set mail = case when w.reachable then 'queued' else 'none' end from waiting w where n.id = w.id
     )
     insert into mails (id, kind, notification_id, expires_at)
     select gen_random_uuid(), 'notification', id, created_at + make_interval(secs => $3::double precision / 1000)
     from waiting where reachable on conflict (notification_id) do nothing`,
    [toOperators, limit, LIFE_MS.notification],
  );
  return queued.rowCount ?? 0;
}

/** Does a person want notifications by mail as well? Default yes. @throws StoreError not-found */
export async function wantsNotificationMails(db: Queryable, userId: string): Promise<boolean> {
  const rows = await db.query<{ wanted: boolean }>(`select mail_notifications as wanted from users where id = $1`, [
    userId,
  ]);
  return found(rows.rows[0], 'such user').wanted;
}

/** Says whether a person wants notifications by mail; those that wait are not sent any more. @throws StoreError not-found */
export async function wantNotificationMails(db: Queryable, userId: string, wanted: boolean): Promise<void> {
  const rows = await db.query<{ id: string }>(`update users set mail_notifications = $2 where id = $1 returning id`, [
    userId,
    wanted,
  ]);
  found(rows.rows[0], 'such user');
}

/** There is no mail server: notifications stay in the API. */
export async function skipNotificationMails(db: Queryable): Promise<void> {
  await db.query(`update notifications set mail = 'none' where mail = 'due'`);
}

/** Ids of mails that are due. */
export async function dueMails(db: Queryable, limit: number): Promise<readonly string[]> {
  const rows = await db.query<{ id: string }>(
    `select id from mails where status = 'due' and next_try <= clock_timestamp() order by next_try limit $1`,
    [limit],
  );
  return rows.rows.map((row) => row.id);
}

/** Takes one that is due; whoever takes it has `holdMs` before it is due again. undefined: somebody else has it, or it was sent. */
export async function takeMail(db: Queryable, id: string, holdMs: number): Promise<MailRecord | undefined> {
  const taken = await db.query<MailRecord & { readonly [key: string]: unknown }>(
    `update mails set attempts = attempts + 1,
       next_try = clock_timestamp() + make_interval(secs => $2::double precision / 1000)
     where id = $1 and status = 'due' and next_try <= clock_timestamp()
     returning id, kind, sealed_login as "sealedLogin", client_id as "clientId", notification_id as "notificationId",
       attempts, expires_at <= clock_timestamp() as expired`,
    [id, holdMs],
  );
  return taken.rows[0];
}

/** How a try ended. Reasons are shown to operators: no addresses, no secrets. */
export type MailOutcome =
  | { readonly status: 'sent' }
  | { readonly status: 'dropped' | 'failed'; readonly reason: string }
  | { readonly status: 'due'; readonly reason: string; readonly inMs: number };

const OPERATION_STATUS = { sent: 'succeeded', dropped: 'succeeded', failed: 'failed', due: 'waiting' } as const;

/** Writes down how a try ended, for the mail and its operation. */
export async function recordMail(
  db: Queryable,
  mail: { readonly id: string; readonly clientId: string | undefined },
  outcome: MailOutcome,
): Promise<void> {
  const reason = outcome.status === 'sent' ? null : outcome.reason;
  await db.query(
    `with recorded as (
       update mails set status = $2, error = $3, client_id = coalesce($4, client_id),
         sealed_login = case when $2 = 'due' then sealed_login end,
         next_try = case when $2 = 'due' then clock_timestamp() + make_interval(secs => $5::double precision / 1000) end,
         sent_at = case when $2 = 'sent' then clock_timestamp() end
       where id = $1 and status = 'due' returning operation_id
     )
     update operations o set status = $6, outcome = coalesce($3, 'sent'), updated_at = clock_timestamp(),
       finished_at = case when $6 = 'waiting' then null else clock_timestamp() end
     from recorded r where o.id = r.operation_id`,
    [
      mail.id,
      outcome.status,
      reason,
      mail.clientId ?? null,
      outcome.status === 'due' ? outcome.inMs : 0,
      OPERATION_STATUS[outcome.status],
    ],
  );
}

/** Whether the client was sent a mail of this kind within the time: whoever asks again and again fills no mailbox. */
export async function wasSentLately(
  db: Queryable,
  mail: { readonly clientId: string; readonly kind: MailKind; readonly withinMs: number },
): Promise<boolean> {
  const found = await db.query(
    `select from mails where client_id = $1 and kind = $2 and status = 'sent'
       and sent_at > clock_timestamp() - make_interval(secs => $3::double precision / 1000) limit 1`,
    [mail.clientId, mail.kind, mail.withinMs],
  );
  return found.rowCount === 1;
}

/** The local client that somebody means who typed this name or address; undefined = none, or more than one. */
export async function clientOfLogin(db: Queryable, login: string): Promise<string | undefined> {
  const found = await db.query<{ id: string }>(
    `select c.id from auth_clients c left join users u on u.id = c.user_id
     where c.provider = 'local' and c.enabled and (lower(c.name) = lower($1) or lower(u.email) = lower($1)
       or lower(c.metadata->>'email') = lower($1)) limit 2`,
    [login.normalize('NFC')],
  );
  return found.rows.length === 1 ? found.rows[0]?.id : undefined;
}

/** Where a client's mails go: to their person's address, else to the one in its metadata. */
export async function addressOfClient(
  db: Queryable,
  clientId: string,
): Promise<{ readonly email: string | null; readonly name: string; readonly displayName: string } | undefined> {
  const found = await db.query<{ email: string | null; name: string; displayName: string }>(
    `select coalesce(u.email, c.metadata->>'email') as email, c.name, coalesce(u.display_name, c.name) as "displayName"
     from auth_clients c left join users u on u.id = c.user_id where c.id = $1 and c.enabled`,
    [clientId],
  );
  return found.rows[0];
}
