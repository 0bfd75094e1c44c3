import { z } from 'zod';
import type { AuthorizationRecord } from '../store/external-authorizations';
import type { ExternalAccountRecord } from '../store/external-accounts';
import type { ExternalTypeRecord } from '../store/external-types';
import { timestamp, uuid } from './fields';
import type { ApiContext } from './context';

const shownData = z.record(z.string(), z.unknown());

export const linkedSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    linked: z.boolean(),
    data: shownData.meta({ description: "what the plug-in's safe model lets through; without one `{}`" }),
    problem: z.string().nullable().meta({ description: 'why it must be linked again; null: it need not' }),
    pluginInfo: shownData,
    linkedAt: timestamp.nullable(),
  })
  .meta({ id: 'LinkedAccount' });

/** A type as one person sees it: what they have linked, or that they may. */
export function showLinked(
  { externalPlugins }: Pick<ApiContext, 'externalPlugins'>,
  type: ExternalTypeRecord,
  account: ExternalAccountRecord | undefined,
): z.input<typeof linkedSchema> {
  const plugin = externalPlugins.get(type.plugin);
  return {
    type: type.type,
    title: type.title ?? plugin?.title ?? type.type,
    linked: account !== undefined,
    data: isObject(account?.safe) ? account.safe : {},
    problem: account?.broken ?? null,
    pluginInfo: { ...plugin?.pluginInfo },
    linkedAt: account?.createdAt ?? null,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const startSchema = z
  .looseObject({
    authorizationId: uuid,
    authorizationUrl: z.string().optional().meta({ description: 'where the person goes' }),
    code: z.string().optional().meta({ description: 'what the person types there' }),
    expiresAt: timestamp,
  })
  .meta({ id: 'ExternalStart' });

export const authorizationSchema = z
  .object({
    id: uuid,
    type: z.string(),
    status: z.enum(['starting', 'pending', 'answered', 'completed', 'failed', 'expired']),
    problem: z.string().nullable(),
    expiresAt: timestamp,
  })
  .meta({ id: 'ExternalAuthorization' });

/** How far an authorization is, without anything that could be used. */
export function showAuthorization(row: AuthorizationRecord): z.input<typeof authorizationSchema> {
  const { id, type, status, problem, expiresAt } = row;
  return { id, type, status, problem, expiresAt };
}
