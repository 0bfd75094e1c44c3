import { createServer } from 'node:http';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { adminTokenAuthenticator, ensureAdminToken } from '../auth/admin-token';
import { firstOf, tokenAuthenticator } from '../auth/authenticator';
import { createRequestRates } from '../auth/request-rates';
import { createIdentity, ensureFirstAdmin } from '../auth/setup';
import { externalPlugins } from '../auth/external/plugins';
import { publicUrlOf, required } from '../config/config';
import { failpointOf } from '../config/failpoint';
import { createLog } from '../config/log';
import { sealerOf } from '../config/secrets';
import { createFlow } from '../hooks/flow';
import { createPort } from '../hooks/port';
import { loadConnectors } from '../hooks/registry';
import { createStarter } from '../hooks/starter';
import { openDatabase } from '../store/database';
import { removeOldKeys } from '../store/idempotency';
import { createApp } from './app';
import { answerClientErrors } from './client-errors';
import { hookRoutes } from './hook-routes';
import { routes } from './routes/index';
import { wazoRoutes } from './wazo/router';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import type { RequestHandler } from 'express';
import type { Config } from '../config/schema';
import type { ApiContext } from './context';
import type { FrameOptions } from './frame';
import type { Door } from './identify';
import type { Route } from './route';

/** A running API. */
export interface RunningApi {
  /** Where it answers, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no new requests, answers those that run (waits end early), closes connections and the pool. */
  drain(): Promise<void>;
}

/** How long running requests may still take after SIGTERM. */
const DRAIN_MS = 10_000;
const CLEAN_KEYS_MS = 10 * 60_000;
const HEADERS_TIMEOUT_MS = 15_000;
/** Until a whole body is here: a large roster over a slow line. */
const REQUEST_TIMEOUT_MS = 10 * 60_000;
const DEFAULT_TEMPORAL = '127.0.0.1:7233';

/** What is mounted beside the API's own table, and how it says a few words to a browser. */
export interface Mounted extends Pick<FrameOptions, 'say'> {
  readonly handlers: readonly RequestHandler[];
}

export type Mounts = (parts: Door & { readonly context: ApiContext; readonly routes: readonly Route[] }) => Mounted;

/**
 * Starts the API of this configuration. The database must be migrated; Temporal may come later, reads do not need it.
 * @param mounts default: the routes of hooks, without any page of the console
 */
export async function startApi(
  config: Config,
  mounts: Mounts = (parts) => ({ handlers: [hookRoutes(parts)] }),
): Promise<RunningApi> {
  const { context, close } = await buildContext(config);
  const token = config.adminToken ?? ensureAdminToken(config.home);
  await firstAdmin(config, context);
  const door: Door = {
    authenticator: firstOf(adminTokenAuthenticator(token), tokenAuthenticator(context.db)),
    rates: createRequestRates(context.db, {
      perClientAndMinute: config.auth.clientRequestsPerMinute,
      perAddressAndMinute: config.auth.addressRequestsPerMinute,
    }),
  };
  const { handlers, ...frame } = mounts({ ...door, context, routes });
  const app = createApp({
    ...door,
    ...frame,
    context,
    routes,
    mounts: [wazoRoutes(context), ...handlers],
    trustedProxies: config.trustedProxies,
    corsOrigins: config.corsOrigins,
  });
  const server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS }, app);
  answerClientErrors(server);
  await listen(server, config);
  const { port, address, family } = server.address() as AddressInfo;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  context.log.info({ event: 'api.ready', url });
  const cleaning = setInterval(() => void cleanKeys(context), CLEAN_KEYS_MS);
  cleaning.unref();
  return {
    url,
    drain: async () => {
      clearInterval(cleaning);
      close.announce();
      await stop(server);
      await close.connections();
    },
  };
}

/** The API may start before its database answers: then the next start makes the administrator. */
async function firstAdmin({ auth }: Config, { db, log }: ApiContext): Promise<void> {
  try {
    await ensureFirstAdmin({ auth, db, log });
  } catch (error) {
    log.error({ event: 'auth.first-admin-failed', err: error }, 'the first administrator was not made');
  }
}

interface Closing {
  /** Tells waiting requests to answer now. */
  readonly announce: () => void;
  readonly connections: () => Promise<void>;
}

async function buildContext(config: Config): Promise<{ readonly context: ApiContext; readonly close: Closing }> {
  const log = createLog(config, 'api');
  const db = openDatabase({ url: required(config, 'databaseUrl'), max: 20, name: 'muster api' });
  const registry = await loadConnectors({
    folders: [join(__dirname, '..', 'connectors'), ...config.connectors.folders],
    packages: config.connectors.packages,
    db,
  });
  for (const skipped of registry.skipped) log.error({ event: 'connector.skipped', ...skipped });
  const address = config.temporalAddress ?? DEFAULT_TEMPORAL;
  const starter = createStarter({ address, namespace: config.temporalNamespace });
  const temporal = Connection.lazy({ address });
  const draining = new AbortController();
  const { plugins, skipped } = externalPlugins(registry.externalPlugins?.());
  for (const one of skipped) log.error({ event: 'plugin.skipped', ...one });
  const deps = { db, registry, sealer: sealerOf(config), starter };
  const context: ApiContext = {
    ...deps,
    log,
    identity: createIdentity({ auth: config.auth, db, sealer: deps.sealer, log, publicUrl: publicUrlOf(config) }),
    externalPlugins: plugins,
    publicUrl: publicUrlOf(config),
    mailEnabled: config.mail.smtpUrl !== undefined,
    flow: createFlow({ ...deps, log, failpoint: failpointOf(config.failpoint) }),
    portFor: (service) => createPort(deps, service),
    temporalUiUrl: config.temporalUiUrl,
    temporalNamespace: config.temporalNamespace,
    temporalAnswers: () => answers(temporal),
    metricsSources: config.metricsSources,
    draining: draining.signal,
  };
  const connections = async (): Promise<void> => {
    await context.identity.providers.close();
    await Promise.all([starter.close(), temporal.close(), db.close()]);
  };
  return { context, close: { announce: () => draining.abort(), connections } };
}

async function answers(temporal: Connection): Promise<boolean> {
  try {
    await temporal.withDeadline(Date.now() + 1_500, () => temporal.workflowService.getSystemInfo({}));
    return true;
  } catch {
    // Whatever the reason is: the health check only says that it does not answer.
    return false;
  }
}

async function listen(server: Server, config: Config): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, config)));
    server.listen({ host: config.apiHost, port: config.apiPort }, resolve);
  });
}

function listenError(error: NodeJS.ErrnoException, config: Config): Error {
  const place = `${config.apiHost}:${config.apiPort}`;
  if (error.code === 'EADDRINUSE')
    return new Error(`${place} is used by another program: set MUSTER_API_PORT to a free port.`);
  if (error.code === 'EACCES')
    return new Error(`No right to listen on ${place}: set MUSTER_API_PORT to a port above 1023.`);
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new Error(`This machine has no address ${config.apiHost}: correct MUSTER_API_HOST.`);
  return error;
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(late);
}

async function cleanKeys({ db, log }: ApiContext): Promise<void> {
  try {
    await removeOldKeys(db);
  } catch (error) {
    log.warn({ err: error }, 'old idempotency keys not removed');
  }
}
