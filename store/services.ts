import { isDeepStrictEqual } from 'node:util';
import { uuidv7 } from 'uuidv7';
import type { BreakerSettings } from '../domain/breaker';
import type { GuardSettings } from '../domain/guard';
import type { MappingRules } from '../domain/mapping';
import type { OrphanSettings } from '../domain/orphans';
import type { BudgetSettings } from '../domain/pacing';
import { shortened } from '../domain/organisation-rules';
import { orderReasons } from '../domain/reasons';
import type { AccountBegins, DueReason, FirstRun, OnLoss } from '../domain/words';
import { recordChange } from './changes';
import type { RecordedChange } from './changes';
import { found } from './checked';
import type { QuarantineReason } from './engine-services';
import { PAUSED_DETAIL, PAUSED_REASON, recordFirstRun } from './first-run';
import { refusing } from './constraints';
import type { Database, Queryable } from './database';
import type { Written, WrittenBy } from './users';

/** What may be set about a service. The configuration is checked and its secrets are sealed before they come here. */
export interface ServiceSettings {
  readonly title: string | null;
  readonly url: string | null;
  /** The connector's configuration without its secrets. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly sealedConfig: Buffer | null;
  readonly enabled: boolean;
  readonly begins: AccountBegins;
  readonly onLoss: OnLoss;
  /** With `onLoss: 'disable'`: delete after so many days. null: never. */
  readonly deleteAfterDays: number | null;
  readonly onGone: 'recreate' | 'drop';
  readonly mapping: MappingRules;
  readonly nameFormat: string | null;
  /** By state name; wins over `nameFormat`. */
  readonly nameFormats: Readonly<Record<string, string>>;
  readonly nicknameFormat: string | null;
  readonly guard: GuardSettings;
  readonly breaker: BreakerSettings;
  /** What the nightly comparison with the far side does. Default mode: report. */
  readonly reconcile: { readonly mode?: 'off' | 'report' | 'repair' };
  /** null: as the connector says. */
  readonly maxConcurrency: number | null;
  /** What the service allows, over all processes; what is not set is learned from its answers. */
  readonly budget: BudgetSettings;
  /** `plan`: nothing is written before a person has approved a plan, or set this to `write`. */
  readonly firstRun: FirstRun;
  /** What is done about accounts that Muster did not make. Default: they are reported. */
  readonly orphans: OrphanSettings;
}

export interface ServiceRecord extends ServiceSettings {
  readonly id: string;
  readonly name: string;
  readonly connector: string;
  readonly pausedReason: 'operator' | QuarantineReason | 'first run' | null;
  readonly pausedDetail: string | null;
  readonly pausedAt: Date | null;
  /** `system`, or who paused it by hand. */
  readonly pausedBy: string | null;
  /** When Muster next looks whether it is well again. */
  readonly probeAt: Date | null;
  readonly configVersion: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const DEFAULT_SETTINGS: ServiceSettings = {
  title: null,
  url: null,
  config: {},
  sealedConfig: null,
  enabled: true,
  begins: 'automatic',
  onLoss: 'delete',
  deleteAfterDays: null,
  onGone: 'recreate',
  mapping: {},
  nameFormat: null,
  nameFormats: {},
  nicknameFormat: null,
  guard: {},
  breaker: {},
  reconcile: {},
  maxConcurrency: null,
  budget: {},
  firstRun: 'write',
  orphans: {},
};

const COLUMNS = `id, name, connector, title, url, config, sealed_config as "sealedConfig", enabled, begins, on_loss as "onLoss",
  delete_after_days as "deleteAfterDays", breaker, reconcile, paused_by as "pausedBy", probe_at as "probeAt",
  on_gone as "onGone", mapping, name_format as "nameFormat", name_formats as "nameFormats", nickname_format as "nicknameFormat",
  guard, max_concurrency as "maxConcurrency", budget, first_run as "firstRun", orphans, ${PAUSED_REASON} as "pausedReason",
  ${PAUSED_DETAIL} as "pausedDetail",
  paused_at as "pausedAt", config_version as "configVersion", created_at as "createdAt", updated_at as "updatedAt"`;

type Row = ServiceRecord & { readonly [key: string]: unknown };

/** One service by name. @throws StoreError not-found */
export async function readService(db: Queryable, name: string): Promise<ServiceRecord> {
  const row = await db.query<Row>(`select ${COLUMNS} from services where name = $1`, [name]);
  return found(row.rows[0], `service ${shortened(name)}`);
}

/** Names of all services. */
export async function serviceNames(db: Queryable): Promise<readonly string[]> {
  const rows = await db.query<{ name: string }>('select name from services order by name');
  return rows.rows.map(({ name }) => name);
}

/** A page of services by name; `after` is the name that the page before ended with. */
export async function listServices(
  db: Queryable,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly ServiceRecord[]> {
  const rows = await db.query<Row>(
    `select ${COLUMNS} from services where $1::text is null or name > $1 order by name limit $2`,
    [page.after ?? null, page.limit],
  );
  return rows.rows;
}

export interface NewService {
  /** Made by the caller, because the secrets are sealed for this id. */
  readonly id: string;
  readonly name: string;
  readonly connector: string;
  readonly settings: ServiceSettings;
}

/** A new id for a service. */
export function newServiceId(): string {
  return uuidv7();
}

/** Adds a service. @throws StoreError already-exists */
export async function createService(db: Database, service: NewService, by: WrittenBy): Promise<Written<ServiceRecord>> {
  return refusing(() =>
    db.transaction(async (client) => {
      await client.query(`insert into services (id, name, connector) values ($1, $2, $3)`, [
        service.id,
        service.name,
        service.connector,
      ]);
      await write(client, service.id, service.settings);
      const reasons: readonly DueReason[] = ['validateUser', 'createAccount', 'updateGroups', 'reconfigured'];
      const change = await recordService(client, { serviceId: service.id, reasons, operation: 'createService' }, by);
      return { record: await readService(client, service.name), change };
    }),
  );
}

export interface ServiceUpdate {
  readonly name: string;
  /** Settings as they should be, from those that stand; runs under the row's lock. May throw a StoreError. */
  readonly alter: (service: ServiceRecord) => ServiceSettings;
  /** Name of the operation. Default `updateService`. */
  readonly operation?: string;
}

/**
 * Alters a service. There is no change when nothing was altered, or nothing that an account can feel (title, limits).
 * @throws StoreError not-found, and what `alter` throws
 */
export async function updateService(
  db: Database,
  update: ServiceUpdate,
  by: WrittenBy,
): Promise<Written<ServiceRecord>> {
  return db.transaction(async (client) => {
    await client.query(`select from services where name = $1 for no key update`, [update.name]);
    const before = await readService(client, update.name);
    const after = update.alter(before);
    if (isSame(before, after)) return { record: before, change: undefined };
    await write(client, before.id, after);
    if (before.firstRun !== after.firstRun) {
      const { id: serviceId, name: service } = before;
      await recordFirstRun(client, { serviceId, service, mode: after.firstRun, actor: by.actor, reason: by.reason });
    }
    const reasons = reasonsOf(before, after);
    const operation = update.operation ?? 'updateService';
    const change =
      reasons.length === 0 ? undefined : await recordService(client, { serviceId: before.id, reasons, operation }, by);
    return { record: await readService(client, update.name), change };
  });
}

async function write(client: Queryable, id: string, settings: ServiceSettings): Promise<void> {
  await client.query(
    `update services set title = $2, url = $3, config = $4, sealed_config = $5, enabled = $6, begins = $7, on_loss = $8, on_gone = $9,
       mapping = $10, name_format = $11, name_formats = $12, nickname_format = $13, guard = $14, max_concurrency = $15,
       breaker = $16, delete_after_days = $17, budget = $18, reconcile = $19, first_run = $20, orphans = $21,
       config_version = config_version + 1, updated_at = clock_timestamp() where id = $1`,
    [
      id,
      settings.title,
      settings.url,
      settings.config,
      settings.sealedConfig,
      settings.enabled,
      settings.begins,
      settings.onLoss,
      settings.onGone,
      settings.mapping,
      settings.nameFormat,
      settings.nameFormats,
      settings.nicknameFormat,
      settings.guard,
      settings.maxConcurrency,
      settings.breaker,
      settings.deleteAfterDays,
      settings.budget,
      settings.reconcile,
      settings.firstRun,
      settings.orphans,
    ],
  );
}

const FIELDS = Object.keys(DEFAULT_SETTINGS) as readonly (keyof ServiceSettings)[];

/** Which settings make accounts due, and why. The others take effect by themselves. */
const REASONS: Readonly<Partial<Record<keyof ServiceSettings, readonly DueReason[]>>> = {
  config: ['reconfigured', 'updateGroups', 'syncNickname', 'updateProfile'],
  sealedConfig: ['reconfigured', 'updateGroups', 'syncNickname', 'updateProfile'],
  mapping: ['updateGroups'],
  nameFormat: ['updateProfile', 'syncNickname'],
  nameFormats: ['updateProfile', 'syncNickname'],
  nicknameFormat: ['updateProfile', 'syncNickname'],
  enabled: ['validateUser', 'createAccount', 'updateGroups'],
  begins: ['validateUser', 'createAccount'],
  onLoss: ['validateUser'],
  deleteAfterDays: ['validateUser'],
};

function isSame(before: ServiceSettings, after: ServiceSettings): boolean {
  return FIELDS.every((field) => isDeepStrictEqual(before[field], after[field]));
}

function reasonsOf(before: ServiceSettings, after: ServiceSettings): readonly DueReason[] {
  const altered = FIELDS.filter((field) => !isDeepStrictEqual(before[field], after[field]));
  return orderReasons(altered.flatMap((field) => REASONS[field] ?? []));
}

function recordService(
  client: Queryable,
  change: { readonly serviceId: string; readonly reasons: readonly DueReason[]; readonly operation: string },
  by: WrittenBy,
): Promise<RecordedChange> {
  return recordChange(client, {
    kind: 'service',
    subject: { serviceId: change.serviceId },
    reasons: change.reasons,
    actor: by.actor,
    reason: by.reason,
    operation: change.operation,
  });
}
