import { z } from 'zod';

const text = z.string().min(1, 'must not be empty');
const list = z.union(
  [
    z.string().transform((value) =>
      value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    ),
    z.array(z.string()),
  ],
  'must be a list',
);

/** A whole number within bounds; the environment gives it as text. */
function number(min: number, max: number): z.ZodType<number> {
  const digits = z
    .string()
    .regex(/^\d{1,12}$/, 'must be a whole number')
    .transform(Number);
  const message = `must be a whole number from ${min} to ${max}`;
  return z.union([z.number(), digits], message).pipe(z.number().int(message).min(min, message).max(max, message));
}

const flag = z.union(
  [z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')],
  'must be true or false',
);

const provider = z.strictObject({
  /** Which module; default: the section's name. */
  kind: text.optional(),
  enabled: z.boolean('must be true or false').default(true),
  /** What the provider's class is built from; its own schema checks it. */
  config: z.record(z.string(), z.unknown()).default({}),
});

/** Who may ask, and how often. */
export const authSchema = z
  .strictObject({
    /** Sections of authentication providers, by name. Only in the file. */
    providers: z
      .record(z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens'), provider)
      .default({ local: { enabled: true, config: {} } }),
    /** Names of sections in the order in which they are asked. */
    order: list.default([]),
    /** Folders whose sub-folders are authentication providers, beside the built-in ones. */
    folders: list.default([]),
    /** npm packages that are authentication providers. */
    packages: list.default([]),
    /** The first administrator; made at the start when there is none and a password is given. */
    adminName: text.default('admin'),
    adminPassword: z.string().min(12, 'must have at least 12 characters').max(1024).optional(),
    /** Life of a token that asks for none, in seconds. */
    tokenLifeS: number(1, 315_360_000).default(7_200),
    /** Sessions of one client at the same time. */
    maxSessions: number(1, 100_000).default(100),
    selfRegistration: flag.default(false),
    clientRequestsPerMinute: number(1, 10_000_000).default(6_000),
    addressRequestsPerMinute: number(1, 10_000_000).default(12_000),
  })
  .prefault({});
