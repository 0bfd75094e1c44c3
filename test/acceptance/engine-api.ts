import supertest from 'supertest';
import { createApp } from '../../api/app';
import { routes } from '../../api/routes/index';
import { wazoRoutes } from '../../api/wazo/router';
import { adminTokenAuthenticator } from '../../auth/admin-token';
import { firstOf, tokenAuthenticator } from '../../auth/authenticator';
import { externalPlugins } from '../../auth/external/plugins';
import { consoleMounts } from '../../console/console';
import { createPort } from '../../hooks/port';
import { testIdentity } from '../environment/identity';
import type { Express } from 'express';
import type { Test } from 'supertest';
import type { ApiContext } from '../../api/context';
import type { Identity } from '../../auth/identity';
import type { TestEngine } from '../engine/engine';

type Verb = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** The API in front of a running engine. */
export interface EngineApi {
  readonly identity: Identity;
  readonly context: ApiContext;
  /** To be served on a port. */
  readonly app: Express;
  /** A request with another token. */
  as(token: string, method: Verb, path: string): Test;
  /** A request with the admin token. */
  call(method: Verb, path: string): Test;
  anonymous(method: Verb, path: string): Test;
}

/** Builds the API on the engine's database and workers; every answer is checked against its documented schema. */
export function apiOf(engine: TestEngine, auth?: Readonly<Record<string, unknown>>): EngineApi {
  const { db, flow, registry, sealer } = engine;
  const context: ApiContext = {
    db,
    flow,
    registry,
    sealer,
    identity: testIdentity(db, auth ?? engine.auth, { log: engine.flowDeps.log, sealer, publicUrl: engine.publicUrl }),
    externalPlugins: externalPlugins(registry.externalPlugins?.()).plugins,
    publicUrl: engine.publicUrl,
    mailEnabled: true,
    log: engine.flowDeps.log,
    temporalUiUrl: undefined,
    temporalNamespace: engine.namespace,
    temporalAnswers: async () => true,
    metricsSources: [],
    draining: new AbortController().signal,
    portFor: (service) => createPort(engine.flowDeps, service),
  };
  const token = 'muster_acceptance-tests-token';
  const authenticator = firstOf(adminTokenAuthenticator(token), tokenAuthenticator(db));
  const { handlers, ...frame } = consoleMounts({ context, authenticator, routes, checkAnswers: true });
  const mounts = [wazoRoutes(context), ...handlers];
  const app = createApp({ ...frame, context, routes, authenticator, mounts, checkAnswers: true });
  return {
    identity: context.identity,
    context,
    app,
    as: (other, method, path) => supertest(app)[method](path).set('Authorization', `Bearer ${other}`),
    call: (method, path) => supertest(app)[method](path).set('Authorization', `Bearer ${token}`),
    anonymous: (method, path) => supertest(app)[method](path),
  };
}
