import { createServer } from 'node:http';
import pino from 'pino';
import supertest from 'supertest';
import { createApp } from '../../api/app';
import { routes } from '../../api/routes/index';
import { wazoRoutes } from '../../api/wazo/router';
import { externalPlugins } from '../../auth/external/plugins';
import { adminTokenAuthenticator } from '../../auth/admin-token';
import { carryOut } from '../../auth/carry-out';
import { firstOf, tokenAuthenticator } from '../../auth/authenticator';
import { consoleMounts } from '../../console/console';
import { createSealer, generateKey } from '../../config/sealer';
import { createPort } from '../../hooks/port';
import { openDatabase } from '../../store/database';
import { createTestDatabase } from './database';
import { testIdentity } from './identity';
import type { AddressInfo } from 'node:net';
import type { ApiContext } from '../../api/context';
import type { Door } from '../../api/identify';
import type { Identity } from '../../auth/identity';
import type { RequestRates } from '../../auth/request-rates';
import type { Database } from '../../store/database';
import type { Starter } from '../../hooks/starter';
import type { Connector } from '../../sdk/index';
import type { Test } from 'supertest';

type Verb = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete';

/** The real application on a real database; the flow only notes what it was told. */
export interface TestApi {
  readonly context: ApiContext;
  readonly token: string;
  /** What the flow was told, e.g. `changed 3`, `accountDue <service> <user>`. */
  readonly told: string[];
  /** Everything that was logged, as text. */
  readonly logged: () => string;
  /** A request with the admin token. */
  call(method: Verb, path: string): Test;
  /** A request with another token. */
  as(token: string, method: Verb, path: string): Test;
  /** A request without a token. */
  anonymous(method: Verb, path: string): Test;
  /** Makes it answer on a port of its own as well; its URL. */
  listen(): Promise<string>;
  close(): Promise<void>;
}

export interface TestApiOptions {
  readonly connectors?: readonly Connector[];
  readonly context?: Partial<ApiContext>;
  /** The `auth` section of the configuration. */
  readonly auth?: Readonly<Record<string, unknown>>;
  /** Default: no limits. */
  readonly rates?: (db: Database) => RequestRates;
}

/** Builds the API for one test file. Every answer is checked against its documented schema. */
export async function createTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const database = await createTestDatabase({ migrated: true });
  const db = openDatabase({ url: database.url, max: 5 });
  const sealer = createSealer(generateKey());
  const lines: string[] = [];
  const told: string[] = [];
  const token = 'muster_test-token-of-the-administrator';
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const identity = testIdentity(options.context?.db ?? db, options.auth, { log, sealer });
  const context: ApiContext = {
    db,
    identity,
    flow: notingFlow(told, identity),
    registry: registryOf(options.connectors ?? []),
    sealer,
    externalPlugins: externalPlugins().plugins,
    publicUrl: 'http://muster.test',
    mailEnabled: true,
    log,
    temporalUiUrl: 'http://temporal.test',
    temporalNamespace: 'default',
    temporalAnswers: async () => true,
    metricsSources: [],
    draining: new AbortController().signal,
    portFor: (service) => createPort({ db, sealer, starter: notingStarter(told) }, service),
    ...options.context,
  };
  const authenticator = firstOf(adminTokenAuthenticator(token), tokenAuthenticator(context.db));
  const door: Door = { authenticator, ...(options.rates === undefined ? {} : { rates: options.rates(context.db) }) };
  const { handlers, ...frame } = consoleMounts({ ...door, context, routes, checkAnswers: true });
  const mounts = [wazoRoutes(context), ...handlers];
  const app = createApp({
    ...door,
    ...frame,
    context,
    routes,
    mounts,
    checkAnswers: true,
    trustedProxies: ['loopback'],
  });
  const server = createServer(app);
  return {
    context,
    token,
    told,
    logged: () => lines.join(''),
    call: (method, path) => supertest(app)[method](path).set('Authorization', `Bearer ${token}`),
    as: (other, method, path) => supertest(app)[method](path).set('Authorization', `Bearer ${other}`),
    anonymous: (method, path) => supertest(app)[method](path),
    listen: async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await db.close();
      await database.drop();
    },
  };
}

/** Writes at providers are carried out at once: there is no worker. */
function notingFlow(told: string[], identity: Identity): ApiContext['flow'] {
  const desk = { identity, callTimeoutMs: 15_000, random: Math.random };
  const note = async (...words: readonly unknown[]): Promise<void> => void told.push(words.join(' '));
  return {
    changed: (changeId) => note('changed', changeId),
    accountDue: (serviceId, userId) => note('accountDue', serviceId, userId),
    syncRequested: (service, syncId) => note('syncRequested', service, syncId),
    syncSteered: (syncId) => note('syncSteered', syncId),
    serviceOpened: () => note('serviceOpened'),
    reconciliationRequested: (service, id) => note('reconciliationRequested', service, id),
    clientWriteQueued: async (id) => void (await carryOut(desk, id, new AbortController().signal)),
    mailQueued: (id) => note('mailQueued', id),
    authorizationStep: (id) => note('authorizationStep', id),
    externalUnlinked: (userId) => note('externalUnlinked', userId),
    refreshExternal: ({ type, userId }) => note('refreshExternal', type, userId),
    callManager: async () => ({ ok: true, missing: [], remote: 'fake 1.0' }),
    callHookAction: async (service, action) => ({ service, action }),
  };
}

function notingStarter(told: string[]): Starter {
  const note = async (...words: readonly unknown[]): Promise<void> => void told.push(words.join(' '));
  return {
    account: ({ service, userId, reason }) => note('start', reason, service, userId),
    group: (service, id) => note('start group', service, id),
    groups: (service) => note('start groups', service),
    sync: ({ service, syncId }) => note('start sync', service, syncId),
    steerSync: ({ syncId }, signal) => note(signal, 'sync', syncId),
    probe: (service) => note('probe', service),
    reconcile: () => note('reconcile'),
    sweepNow: () => note('sweep now'),
    sendMail: (id) => note('send mail', id),
    writeClient: (id) => note('write client', id),
    authorizeExternal: (id) => note('authorize external', id),
    revokeExternal: (id) => note('revoke external', id),
    refreshExternal: () => note('refresh external'),
    callManager: () => note('call manager'),
    close: async () => undefined,
  };
}

function registryOf(connectors: readonly Connector[]): ApiContext['registry'] {
  return {
    get: (kind) => connectors.find((connector) => connector.kind === kind),
    list: () => connectors,
    menuItems: () => [],
    urlHooks: () => [],
    skipped: [{ module: 'broken-module', reason: 'it was made to fail' }],
  };
}
