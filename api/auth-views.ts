import { z } from 'zod';
import { ACCESS_PATTERN, MAX_ACCESS_LENGTH } from '../auth/access';
import { TOKEN_LIFE_S } from '../auth/identity';
import { findClient } from '../store/auth-clients';
import { oneLine, timestamp, uuid } from './fields';
import { Problem } from './problem';
import type { IssuedToken } from '../auth/tokens';
import type { ClientRecord } from '../store/auth-clients';
import type { TokenRecord } from '../store/auth-tokens';
import type { ApiContext } from './context';

/** Schemas and shapes that the routes of the identity system share. */

export const accessEntry = z
  .string()
  .max(MAX_ACCESS_LENGTH)
  .regex(ACCESS_PATTERN, 'must be an access entry: words parted by points, `*`, `#`, `!` in front, no blanks')
  .meta({ description: 'e.g. `provisioning.services.mail.#`; `*` one word, `#` any depth, `!` takes away' });
export const accessList = z.array(accessEntry).max(200);

export const roleName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'must be the name of a role: lower-case letters, digits, hyphens, underscores');

export const providerName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be the name of an authentication provider');

/** A client in a path: its id, or `name:ada` for a client that Muster itself keeps. */
export const clientRef = z
  .string()
  .max(300)
  .regex(
    /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|name:[^\s\p{C}]{1,128})$/iu,
    'must be the id of a client, or name:<name>',
  )
  .meta({ description: 'id of the client, or `name:ada` of a local one' });

export const lifeS = z
  .number()
  .int()
  .min(TOKEN_LIFE_S.min, 'must be at least 1 second')
  .max(TOKEN_LIFE_S.max, 'must be at most 10 years')
  .meta({ description: 'seconds until it expires' });

/** What may be wanted of a new token. */
export const wishesSchema = z.strictObject({
  lifeS: lifeS.optional(),
  acl: accessList.optional().meta({ description: 'less than the client may do; default all of it' }),
  title: oneLine(200).optional(),
});

/** A body whose form the authentication provider says; what does not fit answers 400. */
export const packageBody = z.record(z.string().max(100), z.unknown()).meta({
  description: 'flat: what the provider takes, see docs/authentication.md',
});

export const clientSchema = z
  .object({
    id: uuid,
    name: z.string(),
    provider: z.string(),
    clientId: z.string().meta({ description: "the provider's own id" }),
    user: uuid.nullable().meta({ description: 'the person it belongs to' }),
    enabled: z.boolean(),
    roles: z.array(z.string()),
    acl: z.array(z.string()),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: timestamp,
    lastLoginAt: timestamp.nullable(),
  })
  .meta({ id: 'Client' });

/** A client as the API shows it. */
export function showClient(client: ClientRecord): z.input<typeof clientSchema> {
  return {
    id: client.id,
    name: client.name,
    provider: client.provider,
    clientId: client.providerId,
    user: client.userId,
    enabled: client.enabled,
    roles: [...client.roles],
    acl: [...client.acl],
    metadata: client.metadata,
    createdAt: client.createdAt,
    lastLoginAt: client.lastLoginAt,
  };
}

export const tokenSchema = z
  .object({
    id: uuid,
    client: uuid,
    purpose: z.enum(['session', 'api', 'action']),
    acl: z.array(z.string()).nullable().meta({ description: 'what of the rights of its client it has; null: all' }),
    title: z.string(),
    issuedBy: z.string(),
    createdAt: timestamp,
    expiresAt: timestamp,
  })
  .meta({ id: 'Token' });

/** A token as the API shows it: never the token itself. */
export function showToken(token: TokenRecord): z.input<typeof tokenSchema> {
  return {
    id: token.id,
    client: token.clientId,
    purpose: token.purpose,
    acl: token.acl === null ? null : [...token.acl],
    title: token.title,
    issuedBy: token.issuedBy,
    createdAt: token.createdAt,
    expiresAt: token.expiresAt,
  };
}

export const issuedSchema = z
  .object({
    token: z.string().meta({ description: 'shown once' }),
    refreshToken: z.string().optional().meta({ description: 'shown once' }),
    tokenData: tokenSchema,
    client: clientSchema,
  })
  .meta({ id: 'IssuedToken' });

/** A new token with its client. */
export function showIssued({ token, refreshToken, record, client }: IssuedToken): z.input<typeof issuedSchema> {
  return {
    token,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    tokenData: showToken(record),
    client: showClient(client),
  };
}

/** The client that a path names. @throws Problem not-found */
export async function resolveClient({ db }: Pick<ApiContext, 'db'>, reference: string): Promise<ClientRecord> {
  const name = /^name:(.*)$/is.exec(reference)?.[1];
  const found = await findClient(db, name === undefined ? { id: reference } : { provider: 'local', name });
  if (found === undefined) throw new Problem('not-found', `There is no client ${reference}.`);
  return found;
}
