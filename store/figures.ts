import type { Queryable } from './database';

/** How many accounts of a service stand where; for the status page and the metrics. */
export interface ServiceFigures {
  readonly service: string;
  readonly accounts: Readonly<Record<'none' | 'pending' | 'active' | 'disabled' | 'removed', number>>;
  /** Wanted version not yet applied, and the next try is not ahead. */
  readonly due: number;
  /** Wanted version not yet applied, and the next try lies ahead. */
  readonly waiting: number;
  /** A lease is held: a call is being made. */
  readonly running: number;
  /** Not tried again until something changes or a person acts. */
  readonly failed: number;
  /** Removals that wait for a person. */
  readonly staged: number;
  /** Remote groups that are there. */
  readonly groups: number;
  /** Memberships that were set. */
  readonly memberships: number;
  readonly paused: boolean;
}

interface FigureRow {
  readonly service: string;
  readonly none: number;
  readonly pending: number;
  readonly active: number;
  readonly disabled: number;
  readonly removed: number;
  readonly due: number;
  readonly waiting: number;
  readonly running: number;
  readonly failed: number;
  readonly staged: number;
  readonly groups: number;
  readonly memberships: number;
  readonly paused: boolean;
}

/** The figures of one service, or of all (undefined). One pass over the accounts: meant for people and scrapes, not for loops. */
export async function serviceFigures(db: Queryable, serviceId?: string): Promise<readonly ServiceFigures[]> {
  const { rows } = await db.query<FigureRow>(
    `select s.name as service,
       count(*) filter (where a.status = 'none') as none,
       count(*) filter (where a.status = 'pending') as pending,
       count(*) filter (where a.status = 'active') as active,
       count(*) filter (where a.status = 'disabled') as disabled,
       count(*) filter (where a.status = 'removed') as removed,
       count(*) filter (where a.wanted_version <> a.applied_version and a.attention is null
                          and coalesce(a.next_try, '-infinity') <= clock_timestamp()) as due,
       count(*) filter (where a.wanted_version <> a.applied_version
                          and a.next_try > clock_timestamp() and a.next_try < 'infinity') as waiting,
       count(*) filter (where a.lease_until > clock_timestamp()) as running,
       count(*) filter (where a.attention = 'rejected') as failed,
       (select count(*) from guard_staged g where g.service_id = s.id and g.decision is null) as staged,
       (select count(*) from remote_groups r where r.service_id = s.id and r.remote_id is not null) as groups,
       coalesce(sum(cardinality(a.applied_groups)), 0) as memberships,
       s.paused_reason is not null or s.first_run = 'plan' as paused
     from services s left join accounts a on a.service_id = s.id and not a.orphan
     where $1::uuid is null or s.id = $1
     group by s.id order by s.name`,
    [serviceId ?? null],
  );
  return rows.map(({ service, due, waiting, running, failed, staged, groups, memberships, paused, ...accounts }) => {
    return { service, accounts, due, waiting, running, failed, staged, groups, memberships, paused };
  });
}

/** Changes that are committed but not yet expanded into the accounts they concern. */
export async function unexpandedChanges(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>('select count(*) as count from changes where expanded_at is null');
  return rows[0]?.count ?? 0;
}
