import { z } from 'zod';
import { unknownPlaceholders } from '../domain/names';
import { MANAGER_METHODS } from '../domain/words';
import { abilitiesOf, ADMIN_ACTIONS } from '../hooks/service-hooks';
import { engineServiceByName } from '../store/engine-services';
import { oneLine, serviceName, timestamp, uuid } from './fields';
import { Problem } from './problem';
import { shownConfig } from './service-config';
import { breaker, firstRun, guard, orphans, reconcile } from './service-safety';
import type { ErrorItem } from '../store/errors';
import type { ServiceRecord } from '../store/services';
import type { ApiContext } from './context';

const names = z.array(oneLine(500)).max(1000);
const table = z.record(z.string(), names);

const mapping = z
  .strictObject({
    groups: z
      .strictObject({
        default: z.enum(['by name', 'none']).optional().meta({ description: '`by name` unless said otherwise' }),
        template: oneLine(500).optional().meta({ description: '`{group}` stands for the name' }),
        table: table.optional().meta({ description: 'group name -> remote groups' }),
        allow: names.optional().meta({ description: 'patterns with `*`' }),
        deny: names.optional().meta({ description: 'patterns with `*`; wins over allow' }),
      })
      .optional(),
    accounts: z
      .strictObject({
        sharedBy: oneLine(200).optional().meta({
          description:
            'a format, e.g. `{attributes.mainCharacter}`: people for whom it says the same, and not nothing, share one account, which is in the groups of all of them',
        }),
      })
      .optional(),
    states: z.strictObject({ table: table.optional().meta({ description: 'state name -> remote groups' }) }).optional(),
    reserved: names.optional().meta({ description: 'remote groups that are never touched; patterns with `*`' }),
  })
  .meta({ id: 'Mapping' });

/** Why a service is paused, since when, and when it is next looked at. */
export const pausedSchema = z
  .object({
    reason: z.enum(['operator', 'credentials', 'unavailable', 'too many failures', 'guard', 'first run']).meta({
      description:
        '`operator`: by hand; `guard`: until what is staged is decided; `first run`: until a plan is approved; the others begin and end by themselves',
    }),
    detail: z.string().nullable(),
    by: z.string().nullable().meta({ description: '`system`, or who paused it' }),
    since: timestamp.nullable(),
    nextProbe: timestamp.nullable().meta({ description: 'when Muster next looks whether it is well' }),
  })
  .nullable()
  .meta({ id: 'Pause' });

/** The pause of a service as the API shows it. */
export function showPause(
  service: Pick<ServiceRecord, 'pausedReason' | 'pausedDetail' | 'pausedBy' | 'pausedAt' | 'probeAt'>,
): z.input<typeof pausedSchema> {
  const { pausedReason, pausedDetail: detail, pausedBy: by, pausedAt: since, probeAt: nextProbe } = service;
  if (pausedReason === null) return null;
  return { reason: pausedReason, detail, by, since, nextProbe };
}

const rateLimits = z
  .array(
    z.strictObject({
      limit: z.number().int().min(1).max(1_000_000).meta({ description: 'calls in a window' }),
      windowMs: z.number().int().min(100).max(86_400_000).meta({ description: 'how long the window is' }),
      kind: z.enum(['window', 'bucket', 'log']).optional().meta({
        description: 'how the service counts; `window` (default) is safe, `log` where it counts any span strictly',
      }),
      burst: z.number().int().min(1).max(1_000_000).optional().meta({ description: 'what a bucket holds' }),
    }),
  )
  .max(10);

const budget = z
  .strictObject({
    limits: rateLimits.optional().meta({ description: 'of every call; several hold together' }),
    routes: z
      .record(
        z
          .string()
          .regex(/^[A-Z]+ \/\S*$/, 'must be like `PATCH /users/{}`')
          .max(200),
        rateLimits,
      )
      .optional()
      .meta({ description: 'of one kind of request, e.g. `PATCH /users/{}`; beside `limits`' }),
    leaveFree: z
      .number()
      .min(0)
      .max(0.9)
      .optional()
      .meta({ description: 'the part of every limit that is left to the service’s other users' }),
    concurrency: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: 'calls at the same time over all workers; 1: one after the other' }),
  })
  .meta({ id: 'Budget' });

const format = oneLine(500).nullable();

/** What may be set about a service; an absent field stays as it is. */
export const serviceFields = {
  title: oneLine(200).nullable().optional(),
  url: z
    .string()
    .max(2000)
    .regex(/^https?:\/\/[^\s]+$/i, 'must be a web address')
    .nullable()
    .optional()
    .meta({ description: 'where people find it' }),
  config: z.record(z.string(), z.unknown()).optional().meta({
    description:
      'as the connector asks; secrets are sealed and shown as `{"sealed": true}`; keys that are not named stay, null takes one away',
  }),
  enabled: z.boolean().optional(),
  begins: z
    .enum(['automatic', 'on request'])
    .optional()
    .meta({ description: '`automatic`: whoever is entitled has an account' }),
  onLoss: z
    .enum(['delete', 'disable'])
    .optional()
    .meta({ description: 'what becomes of the account when the right is lost' }),
  deleteAfterDays: z
    .number()
    .int()
    .min(0)
    .max(3650)
    .nullable()
    .optional()
    .meta({ description: 'with `onLoss: disable`: deleted so long after, unless the right comes back; null: never' }),
  onGone: z.enum(['recreate', 'drop']).optional().meta({ description: 'when somebody else took the account away' }),
  mapping: mapping.optional(),
  nameFormat: format
    .optional()
    .meta({ description: 'e.g. `{username}`, `{displayName}`, `{state}`, `{attributes.team}`' }),
  nameFormats: z
    .record(z.string(), oneLine(500))
    .optional()
    .meta({ description: 'by state name; wins over nameFormat' }),
  nicknameFormat: format.optional(),
  guard: guard.optional().meta({ description: 'how much may be taken away within 24 hours' }),
  breaker: breaker.optional().meta({ description: 'when the service as a whole is taken to be broken, and paused' }),
  reconcile: reconcile.optional().meta({ description: 'what the nightly comparison with the service does' }),
  maxConcurrency: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .nullable()
    .optional()
    .meta({ description: 'calls at the same time in each worker process; over all of them: `budget.concurrency`' }),
  budget: budget.optional().meta({
    description:
      'what the service allows; what is not set is learned from its answers. It replaces the one that was set',
  }),
  orphans: orphans.optional().meta({ description: 'what is done about accounts that Muster did not make' }),
  firstRun: firstRun.optional(),
} as const;

const fieldsSchema = z.strictObject(serviceFields);
export type ServiceFields = z.output<typeof fieldsSchema>;

export const serviceSchema = z
  .object({
    id: uuid,
    name: serviceName,
    connector: z.string(),
    title: z.string().nullable(),
    url: z.string().nullable(),
    config: z.record(z.string(), z.unknown()),
    enabled: z.boolean(),
    paused: pausedSchema,
    begins: z.enum(['automatic', 'on request']),
    onLoss: z.enum(['delete', 'disable']),
    deleteAfterDays: z.number().int().nullable(),
    onGone: z.enum(['recreate', 'drop']),
    mapping,
    nameFormat: z.string().nullable(),
    nameFormats: z.record(z.string(), z.string()),
    nicknameFormat: z.string().nullable(),
    guard,
    breaker,
    reconcile,
    maxConcurrency: z.number().int().nullable(),
    budget,
    orphans,
    firstRun,
    membership: z
      .enum(['by account', 'by group', 'none'])
      .meta({ description: 'how group membership is written there' }),
    abilities: z
      .object({
        manager: z.array(z.enum(MANAGER_METHODS)),
        hook: z.array(z.string()).meta({ description: 'members that the hook overrides' }),
      })
      .meta({ description: 'what the connector can do' }),
    actions: z
      .array(z.enum(ADMIN_ACTIONS))
      .meta({ description: 'what POST /v1/services/{name}/actions and the accounts routes can do' }),
    configVersion: z.number().int(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Service' });

/** A service as the API shows it, with what it can do and without its secrets. */
export async function showService(
  context: Pick<ApiContext, 'db' | 'registry'>,
  service: ServiceRecord,
): Promise<z.input<typeof serviceSchema>> {
  const { sealedConfig: _sealed, config: _config, ...rest } = service;
  const {
    pausedReason: _reason,
    pausedDetail: _detail,
    pausedAt: _at,
    pausedBy: _by,
    probeAt: _probe,
    ...shown
  } = rest;
  const engine = await engineServiceByName(context.db, service.name);
  if (engine === undefined) throw new Problem('not-found', `There is no service ${service.name}.`);
  const { manager, hook, actions, membership } = abilitiesOf(context.registry, engine);
  return {
    ...(shown as Omit<z.input<typeof serviceSchema>, 'config' | 'paused' | 'membership' | 'abilities' | 'actions'>),
    config: { ...shownConfig(service) },
    paused: showPause(service),
    membership,
    abilities: { manager: [...manager], hook: [...hook] },
    actions: [...actions],
  };
}

/** @throws Problem not-acceptable-value naming every placeholder that is not known */
export function checkFormats(fields: ServiceFields): void {
  const byState = Object.entries(fields.nameFormats ?? {}).map(
    ([state, text]) => [`/nameFormats/${state}`, text] as const,
  );
  const formats = [
    ['/nameFormat', fields.nameFormat],
    ['/nicknameFormat', fields.nicknameFormat],
    ['/mapping/accounts/sharedBy', fields.mapping?.accounts?.sharedBy],
    ...byState,
  ] as const;
  const errors = formats.flatMap(([pointer, text]): readonly ErrorItem[] =>
    unknownPlaceholders(text ?? '').map((name) => ({
      pointer,
      detail: `{${name.slice(0, 60)}} is not known; {username}, {displayName}, {state} and {attributes.<key>} are`,
    })),
  );
  if (errors.length > 0)
    throw new Problem('not-acceptable-value', 'A name format has a placeholder that is not known.', { errors });
}
