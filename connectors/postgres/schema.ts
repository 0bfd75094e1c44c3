import { z } from 'zod';

/** Sessions that one service may hold on the server at the same time; also the number of parallel calls. */
export const MAX_CONCURRENCY = 8;

const Name = z.string().min(1).max(63);

const Tls = z.union([
  z.boolean(),
  z.strictObject({
    /** PEM of the authority that signed the server's certificate. */
    ca: z.string().min(1).optional(),
    /** Default true. */
    rejectUnauthorized: z.boolean().optional(),
    servername: z.string().min(1).optional(),
  }),
]);

const SSL_MODES = ['disable', 'no-verify', 'require', 'verify-ca', 'verify-full'];

/** Where the server is, who Muster is there, and what it may do with what people own. */
export const PostgresConfig = z
  .strictObject({
    url: z
      .string()
      .refine(isPostgresUrl, {
        error: `must look like postgres://user:password@host:port/database, with no parameter but sslmode (${SSL_MODES.join(', ')})`,
      })
      .optional()
      .describe('All of the connection in one: `postgres://user:password@host:port/database`. Excludes host.'),
    host: z.string().min(1).optional().describe('The server; `url` says the same and more.'),
    port: z.int().min(1).max(65_535).optional().describe('Default 5432.'),
    database: Name.optional().describe(
      'Default `postgres`. Roles belong to the whole server; objects that people own belong to one database.',
    ),
    user: Name.optional().describe('Who Muster is there: a role that may make roles.'),
    password: z.string().optional().describe('The password of that role.'),
    ssl: Tls.optional().describe("Default false. true = TLS with a certificate that Node's authorities know."),
    rolePrefix: z
      .string()
      .max(32)
      .optional()
      .describe('Put before the name of every login role that does not begin with it already.'),
    groupPrefix: z
      .string()
      .max(32)
      .optional()
      .describe('Put before the name of every group role that does not begin with it already.'),
    reassignOwnedTo: Name.optional().describe(
      'Deleting an account first gives what it owns in this database to this role.',
    ),
    dropOwned: z.boolean().optional().describe('Deleting an account first DROPS what it owns in this database.'),
  })
  .refine((config) => (config.url === undefined) !== (config.host === undefined), {
    error: 'give either url, or host and user',
    path: ['url'],
  })
  .refine((config) => config.url !== undefined || config.user !== undefined, { error: 'is missing', path: ['user'] })
  .refine((config) => !(config.dropOwned === true && config.reassignOwnedTo !== undefined), {
    error: 'dropOwned and reassignOwnedTo exclude each other',
    path: ['dropOwned'],
  });
export type PostgresConfig = z.infer<typeof PostgresConfig>;

function isPostgresUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (!['postgres:', 'postgresql:'].includes(url.protocol) || url.hostname === '' || url.username === '') return false;
  return [...url.searchParams].every(([key, value]) => key === 'sslmode' && SSL_MODES.includes(value));
}
