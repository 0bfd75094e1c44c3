import { uuidv7 } from 'uuidv7';
import { shortened } from '../domain/organisation-rules';
import type { GrantSubject } from '../domain/words';
import { recordChange } from './changes';
import type { ChangeSubject, RecordedChange } from './changes';
import { found, isUuid } from './checked';
import { refusing } from './constraints';
import type { Database, Queryable } from './database';
import type { Written, WrittenBy } from './users';

export interface GrantRecord {
  readonly id: string;
  readonly serviceId: string;
  /** Name of the service. */
  readonly service: string;
  readonly subject: GrantSubject & { readonly name: string };
  readonly createdAt: Date;
  readonly createdBy: string;
}

export interface NewGrant {
  readonly serviceId: string;
  readonly subject: GrantSubject;
}

interface Row {
  readonly [key: string]: unknown;
  readonly id: string;
  readonly serviceId: string;
  readonly service: string;
  readonly userId: string | null;
  readonly groupId: string | null;
  readonly stateId: string | null;
  readonly name: string;
  readonly createdAt: Date;
  readonly createdBy: string;
}

const GRANTS = `select g.id, g.service_id as "serviceId", s.name as service, g.user_id as "userId", g.group_id as "groupId",
    g.state_id as "stateId", coalesce(u.username, gr.name, st.name) as name, g.created_at as "createdAt", g.created_by as "createdBy"
  from grants g join services s on s.id = g.service_id left join users u on u.id = g.user_id
    left join groups gr on gr.id = g.group_id left join states st on st.id = g.state_id`;

/** One grant, or undefined. */
export async function readGrant(db: Queryable, id: string): Promise<GrantRecord | undefined> {
  if (!isUuid(id)) return undefined;
  const row = await db.query<Row>(`${GRANTS} where g.id = $1`, [id]);
  return row.rows.map(recordOf)[0];
}

export interface GrantFilter {
  readonly serviceId?: string | undefined;
  /** Id of a user, a group or a state. */
  readonly subjectId?: string | undefined;
  /** Id after which the page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** A page of grants, oldest first. */
export async function listGrants(db: Queryable, filter: GrantFilter): Promise<readonly GrantRecord[]> {
  const rows = await db.query<Row>(
    `${GRANTS} where ($1::uuid is null or g.service_id = $1) and ($2::uuid is null or $2 in (g.user_id, g.group_id, g.state_id))
       and ($3::uuid is null or g.id > $3) order by g.id limit $4`,
    [filter.serviceId ?? null, filter.subjectId ?? null, filter.after ?? null, filter.limit],
  );
  return rows.rows.map(recordOf);
}

/** Gives the right to a service; one that stands already stays as it is. @throws StoreError not-found (service or subject) */
export async function addGrant(db: Database, grant: NewGrant, by: WrittenBy): Promise<Written<GrantRecord>> {
  const id = uuidv7();
  return refusing(() =>
    db.transaction(async (client) => {
      const inserted = await client.query<{ id: string }>(
        `insert into grants (id, service_id, user_id, group_id, state_id, created_by) values ($1, $2, $3, $4, $5, $6)
         on conflict do nothing returning id`,
        [
          id,
          grant.serviceId,
          idOf(grant.subject, 'user'),
          idOf(grant.subject, 'group'),
          idOf(grant.subject, 'state'),
          by.actor,
        ],
      );
      if (inserted.rowCount === 0) return { record: await existingOf(client, grant), change: undefined };
      const change = await recordGrant(client, { ...grant, operation: 'addGrant' }, by);
      return { record: found(await readGrant(client, id), `grant ${id}`), change };
    }),
  );
}

/**
 * Takes a grant away. Who still has another one keeps the service. The change names the subject, which outlives the grant:
 * whoever leaves the group or the state at the same time has a change of their own.
 * @throws StoreError not-found
 */
export async function removeGrant(db: Database, id: string, by: WrittenBy): Promise<Written<GrantRecord>> {
  return db.transaction(async (client) => {
    if (isUuid(id)) await client.query(`select from grants where id = $1 for update`, [id]);
    const record = found(await readGrant(client, id), `grant ${shortened(id)}`);
    await client.query(`delete from grants where id = $1`, [id]);
    const change = await recordGrant(
      client,
      { serviceId: record.serviceId, subject: record.subject, operation: 'removeGrant' },
      by,
    );
    return { record, change };
  });
}

async function existingOf(client: Queryable, grant: NewGrant): Promise<GrantRecord> {
  const rows = await listGrants(client, { serviceId: grant.serviceId, subjectId: grant.subject.id, limit: 1 });
  return found(rows[0], 'such grant');
}

function idOf(subject: GrantSubject, kind: GrantSubject['kind']): string | null {
  return subject.kind === kind ? subject.id : null;
}

function recordOf(row: Row): GrantRecord {
  const { id, serviceId, service, createdAt, createdBy, name } = row;
  return { id, serviceId, service, subject: { ...subjectOf(row), name }, createdAt, createdBy };
}

function subjectOf(row: Row): GrantSubject {
  if (row.userId !== null) return { kind: 'user', id: row.userId };
  return row.groupId === null ? { kind: 'state', id: row.stateId ?? '' } : { kind: 'group', id: row.groupId };
}

function recordGrant(
  client: Queryable,
  grant: NewGrant & { readonly operation: string },
  by: WrittenBy,
): Promise<RecordedChange> {
  return recordChange(client, {
    kind: 'grant',
    subject: changeSubject(grant),
    reasons: ['validateUser', 'createAccount'],
    users: grant.subject.kind === 'user' ? [grant.subject.id] : [],
    actor: by.actor,
    reason: by.reason,
    operation: grant.operation,
  });
}

function changeSubject({ serviceId, subject }: NewGrant): ChangeSubject {
  if (subject.kind === 'user') return { serviceId, userId: subject.id };
  return subject.kind === 'group' ? { serviceId, groupId: subject.id } : { serviceId, stateId: subject.id };
}
