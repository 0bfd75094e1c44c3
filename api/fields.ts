import { z } from 'zod';

/** Schemas of single values that many routes share. */

/** No control characters, no lone surrogates, no line or paragraph separators: what can be shown on one line. */
const ONE_LINE = /^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u;

/** One line of text up to `max` characters, not blank, no blank ends. */
export function oneLine(max: number): z.ZodString {
  return z
    .string()
    .min(1, 'must not be empty')
    .max(max, `must have at most ${max} characters`)
    .regex(ONE_LINE, 'must not hold control characters or line breaks')
    .regex(/^\S(.*\S)?$/su, 'must not begin or end with a blank');
}

/** A reason, written to the audit trail. */
export const reasonText = oneLine(1000);
/** Search text in lists. */
export const searchText = oneLine(255);

export const uuid = z.uuid('must be a UUID').meta({ description: 'Muster id (UUID)' });

/** Lower-case name of a service, e.g. `postgres-main`. */
export const serviceName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be a service name: lower-case letters, digits and hyphens')
  .meta({ description: 'name of the service' });

/** A person in a path: Muster's id, `username:ada`, `external:42`, or `me`; in handlers never `me`. Resolve with `resolveUser`. */
export const userRef = z
  .string()
  .max(600)
  .regex(
    /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|me|(username|external):[^\p{Cc}\p{Cs}\u2028\u2029]{1,500})$/iu,
    'must be a user id, or username:<name>, or external:<id>, or me',
  )
  .meta({ description: "Muster's user id, `username:ada`, `external:42`, or `me`" });

/** A group or state in a path or body: Muster's id, or `name:Engine Room`. */
export const namedRef = z
  .string()
  .max(600)
  .regex(
    /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|name:[^\p{Cc}\p{Cs}\u2028\u2029]{1,500})$/iu,
    'must be an id, or name:<name>',
  );

/** `true` or `false` in a query. */
export const queryFlag = z
  .enum(['true', 'false'], 'must be true or false')
  .transform((text) => text === 'true')
  .meta({ description: 'true or false' });

/** A point in time, ISO 8601 in UTC, as answered. Takes the store's Date as well. */
export const timestamp = z.union([z.iso.datetime({ offset: true }), z.date()]).meta({
  description: 'ISO 8601',
  override: { type: 'string', format: 'date-time' },
});

/** A password that a person chose. */
export const passwordText = z
  .string()
  .min(8, 'must have at least 8 characters')
  .max(1024, 'must have at most 1024 characters')
  .regex(/^\P{Cc}*$/u, 'must not hold control characters')
  .meta({ override: { type: 'string', format: 'password', minLength: 8, maxLength: 1024 } });
