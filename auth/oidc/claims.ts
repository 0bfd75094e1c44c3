import { z } from 'zod';
import { serverUrl } from '../external/oauth-client';

const claimName = z.string().min(1).max(100);

/** Section of an OpenID Connect server. */
export const oidcSection = z.strictObject({
  issuer: serverUrl,
  clientId: z.string().min(1).max(500),
  /** Absent: a public client. */
  clientSecret: z.string().min(1).max(2_000).optional(),
  clientAuthentication: z.enum(['basic', 'post']).default('basic'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/))
    .max(50)
    .default(['openid', 'profile', 'email']),
  /** More query parameters of the authorization URL. */
  parameters: z.record(z.string().max(100), z.string().max(1_000)).default({}),
  claims: z
    .strictObject({
      name: claimName.default('preferred_username'),
      /** A list of groups, or one. */
      groups: claimName.default('groups'),
      /** The roster's externalId of the person; absent: found by a verified e-mail address only. */
      externalId: claimName.optional(),
    })
    .prefault({}),
  /** Roles by group, as the server names its groups. */
  roleMapping: z.record(z.string().max(500), z.union([z.string(), z.array(z.string())])).default({}),
});
export type OidcSection = z.output<typeof oidcSection>;

export interface ReadClaims {
  readonly data: {
    readonly clientId: string;
    readonly name: string;
    readonly roles: readonly string[];
    readonly metadata: Readonly<Record<string, unknown>>;
    readonly person: {
      readonly externalId?: string | undefined;
      readonly email?: string | undefined;
      readonly emailVerified: boolean;
    };
  };
  /** Groups that the mapping does not name: they give nothing. */
  readonly unknown: readonly string[];
}

/** What a server's claims say about a client, by the section's mapping. The subject is who they are; names may change. */
export function claimsOf(section: OidcSection, claims: Readonly<Record<string, unknown>>): ReadClaims {
  const groups = listOf(claims[section.claims.groups]);
  const mapped = (group: string): readonly string[] => {
    const roles = Object.hasOwn(section.roleMapping, group) ? section.roleMapping[group] : undefined;
    return typeof roles === 'string' ? [roles] : (roles ?? []);
  };
  const clientId = textOf(claims['sub']) ?? '';
  const externalId = section.claims.externalId === undefined ? undefined : textOf(claims[section.claims.externalId]);
  return {
    data: {
      clientId,
      name: textOf(claims[section.claims.name]) ?? clientId,
      roles: [...new Set(groups.flatMap(mapped))],
      metadata: {},
      person: {
        ...(externalId === undefined ? {} : { externalId }),
        ...(textOf(claims['email']) === undefined ? {} : { email: textOf(claims['email']) }),
        emailVerified: claims['email_verified'] === true,
      },
    },
    unknown: groups.filter((group) => mapped(group).length === 0),
  };
}

function listOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap((one) => textOf(one) ?? []);
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value.slice(0, 500) : undefined;
}
