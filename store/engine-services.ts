import { DEFAULT_BREAKER } from '../domain/breaker';
import type { BreakerSettings } from '../domain/breaker';
import type { OrphanSettings } from '../domain/orphans';
import type { BudgetSettings } from '../domain/pacing';
import type { AccountBegins, FirstRun, Membership } from '../domain/words';
import type { Queryable } from './database';
import { PAUSED_REASON } from './first-run';

/** A service as the engine sees it: what the hooks and the convergence need, without the texts that only people read. */
export interface EngineService {
  readonly id: string;
  readonly name: string;
  readonly connector: string;
  readonly title: string | null;
  readonly url: string | null;
  readonly config: Readonly<Record<string, unknown>>;
  readonly sealedConfig: Buffer | null;
  readonly configVersion: number;
  readonly enabled: boolean;
  readonly begins: AccountBegins;
  readonly onGone: 'recreate' | 'drop';
  readonly nameFormat: string | null;
  readonly nameFormats: Readonly<Record<string, string>>;
  readonly nicknameFormat: string | null;
  /** A format: people for whom it says the same share one account; null: everybody has their own. */
  readonly sharedBy: string | null;
  readonly maxConcurrency: number | null;
  readonly budget: BudgetSettings;
  readonly membership: Membership;
  /** `first run`: nothing else keeps it, and its first plan waits for a person. */
  readonly pausedReason: string | null;
  readonly firstRun: FirstRun;
  readonly orphans: OrphanSettings;
  readonly breaker: BreakerSettings;
  /** Its last calls have failed: the next success is worth recording. */
  readonly suspect: boolean;
  /** How long the service has asked everybody to wait, from now; 0 = not at all. */
  readonly blockedMs: number;
}

const COLUMNS = `id, name, connector, title, url, config, sealed_config as "sealedConfig", config_version as "configVersion",
  enabled, begins, on_gone as "onGone", name_format as "nameFormat", name_formats as "nameFormats",
  nickname_format as "nicknameFormat", mapping -> 'accounts' ->> 'sharedBy' as "sharedBy", max_concurrency as "maxConcurrency", budget, membership, first_run as "firstRun", orphans, ${PAUSED_REASON} as "pausedReason", breaker,
  exists (select from breaker_counts b where b.service_id = services.id) as suspect,
  coalesce(greatest(0, ceil(extract(epoch from blocked_until - clock_timestamp()) * 1000)), 0)::integer as "blockedMs"`;

type Row = EngineService & { readonly [key: string]: unknown };

/** The service with this name, or undefined. */
export async function engineServiceByName(db: Queryable, name: string): Promise<EngineService | undefined> {
  const found = await db.query<Row>(`select ${COLUMNS} from services where name = $1`, [name]);
  return found.rows[0];
}

/** The service with this id, or undefined. */
export async function engineServiceById(db: Queryable, id: string): Promise<EngineService | undefined> {
  const found = await db.query<Row>(`select ${COLUMNS} from services where id = $1`, [id]);
  return found.rows[0];
}

/** All services, by name. */
export async function engineServices(db: Queryable): Promise<readonly EngineService[]> {
  const found = await db.query<Row>(`select ${COLUMNS} from services order by name`);
  return found.rows;
}

/** What only the loaded code knows about a service, written for the set-based statements. True if something changed. */
export async function recordHookFacts(
  db: Queryable,
  serviceId: string,
  facts: {
    readonly hookStates: readonly string[];
    readonly hookDecides: boolean;
    readonly hasManager: boolean;
    readonly membership: Membership;
  },
): Promise<boolean> {
  const updated = await db.query(
    `update services set hook_states = $2, hook_decides = $3, has_manager = $4, membership = $5
     where id = $1 and (hook_states, hook_decides, has_manager, membership) is distinct from ($2, $3, $4, $5)`,
    [serviceId, facts.hookStates, facts.hookDecides, facts.hasManager, facts.membership],
  );
  return updated.rowCount === 1;
}

/** A pause that Muster begins by itself, and ends by itself when a probe finds the service well. */
export type QuarantineReason = 'credentials' | 'unavailable' | 'too many failures' | 'guard';

/** Pauses a service; false if it was paused already (then nobody needs to be told again). */
export async function pauseService(
  db: Queryable,
  serviceId: string,
  pause: {
    readonly reason: 'operator' | QuarantineReason;
    readonly detail: string;
    readonly probeMs: number | null;
  },
): Promise<boolean> {
  const updated = await db.query(
    `with paused as (
       update services set paused_reason = $2, paused_detail = $3, paused_at = clock_timestamp(), paused_by = 'system', probes = 0,
         probe_at = clock_timestamp() + make_interval(secs => $4::double precision / 1000.0)
       where id = $1 and paused_reason is null returning id
     ), logged as (
       insert into events (service_id, step, data)
       select id, 'paused', jsonb_build_object('reason', $2::text, 'detail', $3::text) from paused
     )
     select from paused`,
    [serviceId, pause.reason, pause.detail, pause.probeMs],
  );
  return updated.rows.length === 1;
}

/**
 * Ends a pause. With `reason` only that kind of pause (a probe must not end an operator's). What waited only because the
 * service was away, or was refused while it refused everything, is due at once.
 */
export async function resumeService(
  db: Queryable,
  serviceId: string,
  pause: { readonly reason?: string; readonly actor?: string } = {},
): Promise<boolean> {
  const updated = await db.query(
    `with resumed as (
       update services set paused_reason = null, paused_detail = null, paused_at = null, paused_by = null, probe_at = null, probes = 0
       where id = $1 and paused_reason is not null and ($2::text is null or paused_reason = $2) returning id
     ), counts as (
       delete from breaker_counts b using resumed r where b.service_id = r.id returning b.kind, b.subjects
     ), tried as (
       update accounts a set next_try = null, attention = null from resumed r
       where a.service_id = r.id and a.wanted_version <> a.applied_version and a.next_try > clock_timestamp()
         and ((a.attention = 'waiting' and a.last_error ->> 'kind' = 'unavailable')
           or (a.attention = 'rejected' and a.user_id in (select unnest(subjects) from counts where kind = 'too many failures')))
     ), tried_groups as (
       update remote_groups g set next_try = null, attention = null from resumed r
       where g.service_id = r.id and g.wanted_version <> g.applied_version and g.attention = 'waiting'
     ), woken as (
       -- A bulk run that has met the closed service waits for this signal.
       update syncs y set signal_due = 'resume' from resumed r
       where y.service_id = r.id and y.status in ('staging', 'running') and not y.dry_run and y.signal_due is null
     ), told as (
       update notifications n set read_at = clock_timestamp() from resumed r join services s on s.id = r.id
       where n.dedupe_key = 'paused/' || s.name and n.read_at is null
     ), logged as (
       insert into events (service_id, step, data) select id, 'resumed', jsonb_build_object('actor', $3::text) from resumed
     ), drained as (
       update operations o set status = 'cancelled', outcome = 'the service was resumed', finished_at = clock_timestamp()
       from resumed r where o.service_id = r.id and o.kind = 'drainService' and o.status in ('running', 'waiting')
     )
     select from resumed`,
    [serviceId, pause.reason ?? null, pause.actor ?? 'system'],
  );
  return updated.rows.length === 1;
}

/**
 * Services whose pause asks for a probe now; each gets its next probe time at once, twice as far ahead: 30 s to 1 h for
 * credentials, which people put right, else as the service's breaker says.
 */
export async function takeProbes(db: Queryable): Promise<readonly { readonly id: string; readonly name: string }[]> {
  const due = await db.query<{ id: string; name: string }>(
    `update services set probes = probes + 1, probe_at = clock_timestamp() + make_interval(secs => case
       when paused_reason = 'credentials' then least(3600, 30 * power(2, least(probes, 7)))
       else least(coalesce((breaker ->> 'longestProbeSeconds')::double precision, $1),
         coalesce((breaker ->> 'probeSeconds')::double precision, $2) * power(2, least(probes + 1, 20))) end)
     where paused_reason in ('credentials', 'unavailable', 'too many failures') and probe_at <= clock_timestamp()
     returning id, name`,
    [DEFAULT_BREAKER.longestProbeSeconds, DEFAULT_BREAKER.probeSeconds],
  );
  return due.rows;
}

/** The service asked everybody to wait: never shortens a wait that stands. */
export async function blockService(db: Queryable, serviceId: string, ms: number): Promise<void> {
  await db.query(
    `update services set blocked_until = greatest(blocked_until, clock_timestamp() + make_interval(secs => $2 / 1000.0)) where id = $1`,
    [serviceId, ms],
  );
}
