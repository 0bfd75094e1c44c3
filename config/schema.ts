import { z } from 'zod';
import { authSchema } from './auth-schema';

const port = z
  .union(
    [
      z.number(),
      z
        .string()
        .regex(/^\d{1,5}$/)
        .transform(Number),
    ],
    'must be a port number',
  )
  .pipe(z.number().int().min(0, 'must be a port from 0 to 65535').max(65535, 'must be a port from 0 to 65535'));

const count = z
  .union(
    [
      z.number(),
      z
        .string()
        .regex(/^\d{1,6}$/)
        .transform(Number),
    ],
    'must be a whole number',
  )
  .pipe(z.number().int().min(1, 'must be at least 1').max(1000, 'must be at most 1000'));

const duration = z
  .union(
    [
      z.number(),
      z
        .string()
        .regex(/^\d{1,6}$/)
        .transform(Number),
    ],
    'must be a whole number of milliseconds',
  )
  // An account's lease has at least 30 s left when a call begins: the call must end well before.
  .pipe(z.number().int().min(500, 'must be at least 500').max(20_000, 'must be at most 20000'));

const text = z.string('must be a text').min(1, 'must not be empty');
const webUrl = z.url({ protocol: /^https?$/, error: 'must be a URL that begins with http:// or https://' });
const postgresUrl = z.url({
  protocol: /^postgres(ql)?$/,
  error: 'must be a URL like postgres://user:password@host:5432/database',
});
const hostAndPort = z
  .string()
  .regex(/^[^\s/:]+:\d{1,5}$|^\[[\da-f:]+\]:\d{1,5}$/i, 'must be host:port, e.g. 127.0.0.1:7233');

/** A list: in the environment parted by commas, in the file a YAML list. */
function listOf(item: z.ZodType<string, string>) {
  const split = z.string().transform((value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );
  return z.union([split, z.array(z.string())], 'must be a list').pipe(z.array(item));
}

/** Every setting of Muster, its form and its default. The keys are those of the YAML file. */
export const configSchema = z.strictObject({
  /** Muster's own PostgreSQL; absent = `npm start` runs an embedded one. */
  databaseUrl: postgresUrl.optional(),
  /** Temporal's frontend; absent = `npm start` runs a development server. */
  temporalAddress: hostAndPort.optional(),
  temporalNamespace: text.default('default'),
  /** Where people open Temporal's web UI; only for links. */
  temporalUiUrl: webUrl.optional(),
  apiHost: text.default('127.0.0.1'),
  apiPort: port.default(8080),
  /** Where browsers reach the API, when that is not where it listens: for redirects and the links in mails. */
  publicUrl: webUrl.refine((url) => /^https?:\/\/[^/?#]+\/?$/.test(url), 'must have no path').optional(),
  /** Folder of this installation: keys, tokens, embedded servers. */
  home: text.default('.muster'),
  /** Absent = made at the first start in `<home>/admin-token`. */
  adminToken: text
    .regex(/^[\w~+/.=-]{16,512}$/, 'must be 16 to 512 characters of A-Z a-z 0-9 _ ~ + / . = -')
    .optional(),
  /** 32 bytes in base64 or hex; several, newest first, parted by commas. Absent = made in `<home>/secret-key`. */
  secretKey: text.optional(),
  /** Addresses or networks of proxies whose X-Forwarded-For is believed. */
  trustedProxies: listOf(text).default([]),
  /** Origins whose pages may call the API from a browser. */
  corsOrigins: listOf(webUrl).default([]),
  auth: authSchema,
  connectors: z
    .strictObject({
      /** Folders whose sub-folders are connectors, beside the built-in ones. */
      folders: listOf(text).default([]),
      /** npm packages that are connectors. */
      packages: listOf(text).default([]),
    })
    .prefault({}),
  /** Where notifications are sent, signed with the secret. */
  webhook: z
    .strictObject({ url: webUrl.optional(), secret: text.min(16, 'must have at least 16 characters').optional() })
    .refine((webhook) => webhook.url === undefined || webhook.secret !== undefined, {
      path: ['secret'],
      message: 'is needed when the webhook has a URL',
    })
    .prefault({}),
  /** The SMTP server for password links and notifications. */
  mail: z
    .strictObject({
      smtpUrl: z.url({ protocol: /^smtps?$/, error: 'must be a URL like smtp://user:password@host:587' }).optional(),
      from: text.optional(),
      /** Addresses that get what is told to the operators. */
      operators: listOf(z.email('must be mail addresses')).default([]),
      /** Folder with texts in place of the built-in ones: `<kind>.txt`. */
      templates: text.optional(),
    })
    .refine((mail) => mail.smtpUrl === undefined || mail.from !== undefined, {
      path: ['from'],
      message: 'is needed when there is a mail server',
    })
    .prefault({}),
  /** Ports of the servers that `npm start` runs when no addresses are given. */
  embedded: z
    .strictObject({
      postgresPort: port.default(15432),
      targetPort: port.default(15433),
      temporalPort: port.default(17233),
      temporalUiPort: port.default(18233),
    })
    .prefault({}),
  logLevel: z
    .enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'must be fatal, error, warn, info, debug, trace or silent',
    )
    .default('info'),
  /** Activities that one worker process runs at the same time. */
  workerConcurrency: count.default(100),
  /** Hard end of one call to an external system, in milliseconds; after a crash an unsettled creation is looked at that much later. */
  callTimeoutMs: duration.default(15_000),
  /** For fault tests only: a named place (`name` or `name#3`) at which the process kills itself. */
  failpoint: text.optional(),
  /** Port of a worker's Prometheus page; 0 or absent = none. */
  metricsPort: port.optional(),
  /** Address that the page listens on; it needs no token, so anything but loopback belongs into a closed network. */
  metricsHost: z.union([z.ipv4(), z.ipv6()], 'must be an IP address').default('127.0.0.1'),
  /** Prometheus pages of workers that the API's /metrics shows as well. */
  metricsSources: listOf(webUrl).default([]),
});
export type Config = Readonly<z.output<typeof configSchema>>;

export interface Variable {
  /** Path in the configuration, parted by dots. */
  readonly path: string;
  readonly name: string;
  /** May be given by `<NAME>_FILE` too, and its value is never shown. */
  readonly isSecret: boolean;
}

/** Which environment variable sets what. */
export const VARIABLES: readonly Variable[] = [
  secret('databaseUrl', 'DATABASE_URL'),
  plain('temporalAddress', 'TEMPORAL_ADDRESS'),
  plain('temporalNamespace', 'TEMPORAL_NAMESPACE'),
  plain('temporalUiUrl', 'TEMPORAL_UI_URL'),
  plain('apiHost', 'MUSTER_API_HOST'),
  plain('apiPort', 'MUSTER_API_PORT'),
  plain('publicUrl', 'MUSTER_PUBLIC_URL'),
  plain('home', 'MUSTER_HOME'),
  secret('adminToken', 'MUSTER_ADMIN_TOKEN'),
  secret('secretKey', 'MUSTER_SECRET_KEY'),
  plain('trustedProxies', 'MUSTER_TRUSTED_PROXIES'),
  plain('corsOrigins', 'MUSTER_CORS_ORIGINS'),
  plain('auth.order', 'MUSTER_AUTH_ORDER'),
  plain('auth.folders', 'MUSTER_AUTH_FOLDERS'),
  plain('auth.packages', 'MUSTER_AUTH_PACKAGES'),
  plain('auth.adminName', 'MUSTER_ADMIN_NAME'),
  secret('auth.adminPassword', 'MUSTER_ADMIN_PASSWORD'),
  plain('auth.tokenLifeS', 'MUSTER_TOKEN_LIFE_S'),
  plain('auth.maxSessions', 'MUSTER_MAX_SESSIONS'),
  plain('auth.selfRegistration', 'MUSTER_SELF_REGISTRATION'),
  plain('auth.clientRequestsPerMinute', 'MUSTER_CLIENT_REQUESTS_PER_MINUTE'),
  plain('auth.addressRequestsPerMinute', 'MUSTER_ADDRESS_REQUESTS_PER_MINUTE'),
  plain('connectors.folders', 'MUSTER_CONNECTOR_FOLDERS'),
  plain('connectors.packages', 'MUSTER_CONNECTOR_PACKAGES'),
  plain('webhook.url', 'MUSTER_WEBHOOK_URL'),
  secret('webhook.secret', 'MUSTER_WEBHOOK_SECRET'),
  secret('mail.smtpUrl', 'MUSTER_SMTP_URL'),
  plain('mail.from', 'MUSTER_MAIL_FROM'),
  plain('mail.operators', 'MUSTER_MAIL_OPERATORS'),
  plain('mail.templates', 'MUSTER_MAIL_TEMPLATES'),
  plain('logLevel', 'MUSTER_LOG_LEVEL'),
  plain('workerConcurrency', 'MUSTER_WORKER_CONCURRENCY'),
  plain('embedded.postgresPort', 'MUSTER_POSTGRES_PORT'),
  plain('embedded.targetPort', 'MUSTER_TARGET_PORT'),
  plain('embedded.temporalPort', 'MUSTER_TEMPORAL_PORT'),
  plain('embedded.temporalUiPort', 'MUSTER_TEMPORAL_UI_PORT'),
  plain('callTimeoutMs', 'MUSTER_CALL_TIMEOUT_MS'),
  plain('failpoint', 'MUSTER_FAILPOINT'),
  plain('metricsPort', 'MUSTER_METRICS_PORT'),
  plain('metricsHost', 'MUSTER_METRICS_HOST'),
  plain('metricsSources', 'MUSTER_METRICS_SOURCES'),
];

function plain(path: string, name: string): Variable {
  return { path, name, isSecret: false };
}

function secret(path: string, name: string): Variable {
  return { path, name, isSecret: true };
}
