import type { AccountBegins, Membership } from '../domain/words';
import type { Queryable } from './database';

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
  readonly maxConcurrency: number | null;
  readonly membership: Membership;
  readonly pausedReason: string | null;
  /** How long the service has asked everybody to wait, from now; 0 = not at all. */
  readonly blockedMs: number;
}

const COLUMNS = `id, name, connector, title, url, config, sealed_config as "sealedConfig", config_version as "configVersion",
  enabled, begins, on_gone as "onGone", name_format as "nameFormat", name_formats as "nameFormats",
  nickname_format as "nicknameFormat", max_concurrency as "maxConcurrency", membership, paused_reason as "pausedReason",
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

/** Pauses a service; false if it was paused already (then nobody needs to be told again). */
export async function pauseService(
  db: Queryable,
  serviceId: string,
  pause: {
    readonly reason: 'operator' | 'credentials' | 'unavailable' | 'too many failures';
    readonly detail: string;
    readonly probeMs: number | null;
  },
): Promise<boolean> {
  const updated = await db.query(
    `update services set paused_reason = $2, paused_detail = $3, paused_at = clock_timestamp(), probes = 0,
       probe_at = clock_timestamp() + make_interval(secs => $4::double precision / 1000.0)
     where id = $1 and paused_reason is null`,
    [serviceId, pause.reason, pause.detail, pause.probeMs],
  );
  return updated.rowCount === 1;
}

/** Ends a pause. With `reason` only that kind of pause (a probe must not end an operator's). */
export async function resumeService(db: Queryable, serviceId: string, reason?: string): Promise<boolean> {
  const updated = await db.query(
    `update services set paused_reason = null, paused_detail = null, paused_at = null, probe_at = null, probes = 0
     where id = $1 and paused_reason is not null and ($2::text is null or paused_reason = $2)`,
    [serviceId, reason ?? null],
  );
  return updated.rowCount === 1;
}

/** Services whose pause asks for a probe now; each gets its next probe time at once, twice as far ahead (30 s .. 1 h). */
export async function takeProbes(
  db: Queryable,
): Promise<readonly { readonly id: string; readonly name: string; readonly reason: string }[]> {
  const due = await db.query<{ id: string; name: string; reason: string }>(
    `update services set probes = probes + 1,
       probe_at = clock_timestamp() + least(interval '1 hour', interval '30 seconds' * power(2, least(probes, 7)))
     where paused_reason in ('credentials', 'unavailable') and probe_at <= clock_timestamp()
     returning id, name, paused_reason as reason`,
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
