import type { Queryable } from './database';
import { likePattern, USER_COLUMNS } from './users';
import type { UserRecord, UserRow } from './users';

export interface UserFilter {
  /** Part of the username, display name or e-mail address, in any case. */
  readonly q?: string | undefined;
  readonly active?: boolean | undefined;
  /** Name of an effective state. */
  readonly state?: string | undefined;
  /** Username after which the page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** A page of people by username. */
export async function listUsers(db: Queryable, filter: UserFilter): Promise<readonly UserRecord[]> {
  const inState = filter.state === undefined ? undefined : await stateRules(db, filter.state);
  if (inState === 'nobody') return [];
  const values: unknown[] = [
    filter.after ?? null,
    filter.q === undefined ? null : likePattern(filter.q),
    filter.active ?? null,
    filter.limit,
  ];
  const rows = await db.query<UserRow>(
    `select ${USER_COLUMNS} from users u
     where ($1::text is null or lower(u.username) > lower($1))
       and ($2::text is null or u.username ilike $2 or u.display_name ilike $2 or u.email ilike $2)
       and ($3::boolean is null or u.active = $3)
       ${inState === undefined ? '' : `and ${stateCondition(inState, values)}`}
     order by lower(u.username) limit $4`,
    values,
  );
  return rows.rows;
}

/** Ids of states, and of the groups whose members have one of them. */
interface Rules {
  readonly states: readonly string[];
  readonly groups: readonly string[];
}

interface StateRules {
  /** One of these gives it; undefined: everybody has it unless they have a higher one. */
  readonly own: Rules | undefined;
  /** Any of these gives a higher one. */
  readonly higher: Rules;
}

interface StateRow extends Rules {
  readonly [column: string]: unknown;
  readonly isPublic: boolean;
  readonly isHigher: boolean;
}

/** Who has this state: `effective_state` for all people at once. To ask the function for each of them takes seconds. */
async function stateRules(db: Queryable, name: string): Promise<StateRules | 'nobody'> {
  const found = await db.query<StateRow>(
    `select s.is_public as "isPublic", s.id <> w.id as "isHigher", array[s.id] as states,
       array(select group_id from state_groups g where g.state_id = s.id) as groups
     from states w join states s on s.priority >= w.priority where lower(w.name) = lower($1)`,
    [name.normalize('NFC')],
  );
  const own = found.rows.find((row) => !row.isHigher);
  const higher = found.rows.filter((row) => row.isHigher);
  if (own === undefined || higher.some((row) => row.isPublic)) return 'nobody';
  return {
    own: own.isPublic ? undefined : own,
    higher: { states: higher.flatMap((row) => row.states), groups: higher.flatMap((row) => row.groups) },
  };
}

/** Adds what it needs to the values of the statement. */
function stateCondition({ own, higher }: StateRules, values: unknown[]): string {
  const place = (value: readonly string[]): string => `$${values.push(value)}::uuid[]`;
  const having = ({ states, groups }: Rules): string =>
    `(select id from users where source_state_id = any(${place(states)})
      union all select user_id from members where group_id = any(${place(groups)}))`;
  const conditions = [
    ...(own === undefined ? [] : [`u.id in ${having(own)}`]),
    ...(higher.states.length === 0 ? [] : [`not exists (select from ${having(higher)} h (id) where h.id = u.id)`]),
  ];
  return conditions.length === 0 ? 'true' : conditions.join(' and ');
}
