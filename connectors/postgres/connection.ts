import type { ClientConfig } from 'pg';
import type { PostgresConfig } from './schema';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Stands for "none configured". Without a password `pg` looks in the process's environment and, if it finds none, leaves
 * its socket open; a wrong one is refused by a server that wants one, and never sent to one that does not.
 */
const NO_PASSWORD = '(none)';

/**
 * What `pg` needs to connect. Everything is said explicitly: what is left out, `pg` takes from PGHOST, PGPASSWORD,
 * PGSSLMODE and a password file of the process, which belong to somebody else.
 */
export function connectionOf(config: PostgresConfig): ClientConfig {
  const target = config.url === undefined ? targetOfParts(config) : targetOfUrl(config.url);
  const { password, ssl, ...rest } = target;
  return {
    ...rest,
    password: password === '' ? NO_PASSWORD : password,
    ssl: config.ssl === undefined ? ssl : tlsOf(config.ssl),
    application_name: 'muster',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  };
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly ssl: boolean | { readonly rejectUnauthorized: boolean };
}

function targetOfParts(config: PostgresConfig): Target {
  return {
    host: config.host ?? '',
    port: config.port ?? 5432,
    database: config.database ?? 'postgres',
    user: config.user ?? '',
    password: config.password ?? '',
    ssl: false,
  };
}

function targetOfUrl(text: string): Target {
  const url = new URL(text);
  return {
    // Brackets belong to the URL, not to the address.
    host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 5432 : Number(url.port),
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    ssl: tlsOfMode(url.searchParams.get('sslmode')),
  };
}

/** `require` verifies here: a certificate that nobody checks protects from nobody. `no-verify` says so openly. */
function tlsOfMode(mode: string | null): Target['ssl'] {
  if (mode === null || mode === 'disable') return false;
  return mode === 'no-verify' ? { rejectUnauthorized: false } : true;
}

function tlsOf(ssl: NonNullable<PostgresConfig['ssl']>): NonNullable<ClientConfig['ssl']> {
  if (typeof ssl === 'boolean') return ssl;
  return {
    ...(ssl.ca === undefined ? {} : { ca: ssl.ca }),
    ...(ssl.servername === undefined ? {} : { servername: ssl.servername }),
    rejectUnauthorized: ssl.rejectUnauthorized ?? true,
  };
}
