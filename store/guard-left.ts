import { guardFamily, guardLimit } from '../domain/guard';
import type { GuardKind, GuardSettings } from '../domain/guard';
import type { ServiceFigures } from './figures';
import type { Queryable } from './database';

/** How much may still be taken away within the current 24 hours, and of how much. */
export interface GuardLeft {
  readonly limit: number;
  readonly left: number;
}

export type GuardLefts = Readonly<Record<'removal' | 'group removal', GuardLeft>>;

interface TakenRow {
  readonly [column: string]: unknown;
  readonly service: string;
  readonly guard: GuardSettings;
  readonly kind: GuardKind | null;
  readonly taken: number;
  readonly gone: number;
}

/** Of services by name, from their figures: no account is counted again. For people to look at; the guard itself asks `guardRoom`. */
export async function readGuardLefts(
  db: Queryable,
  figures: readonly ServiceFigures[],
): Promise<ReadonlyMap<string, GuardLefts>> {
  const found = await db.query<TakenRow>(
    `select s.name as service, s.guard, t.kind, coalesce(sum(t.amount), 0)::integer as taken,
       coalesce(sum(t.amount) filter (where t.done_at is not null and t.kind <> 'disable'), 0)::integer as gone
     from services s left join guard_taken t on t.service_id = s.id
       and (t.done_at is null or t.taken_at > clock_timestamp() - interval '24 hours')
     where s.name = any($1) group by s.id, t.kind`,
    [figures.map((one) => one.service)],
  );
  return new Map(figures.map((one) => [one.service, leftsOf(one, found.rows)]));
}

function leftsOf(figures: ServiceFigures, rows: readonly TakenRow[]): GuardLefts {
  const own = rows.filter((row) => row.service === figures.service);
  const { pending, active, disabled } = figures.accounts;
  const of = (kind: 'removal' | 'group removal', population: number): GuardLeft => {
    const family = own.filter((row) => row.kind !== null && guardFamily(kind).includes(row.kind));
    const taken = family.reduce((sum, row) => sum + row.taken, 0);
    const gone = family.reduce((sum, row) => sum + row.gone, 0);
    const limit = guardLimit(own[0]?.guard ?? {}, kind, population + gone);
    return { limit, left: Math.max(0, limit - taken) };
  };
  return {
    removal: of('removal', pending + active + disabled),
    'group removal': of('group removal', figures.memberships),
  };
}
