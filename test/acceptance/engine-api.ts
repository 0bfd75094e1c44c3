import supertest from 'supertest';
import { createApp } from '../../api/app';
import type { ApiContext } from '../../api/context';
import { hookRoutes } from '../../api/hook-routes';
import { routes } from '../../api/routes/index';
import { adminTokenAuthenticator } from '../../auth/admin-token';
import { externalPlugins } from '../../auth/external/plugins';
import { createPort } from '../../hooks/port';
import type { TestEngine } from '../engine/engine';

type Verb = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** The API in front of a running engine. */
export interface EngineApi {
  /** A request with the admin token. */
  call(method: Verb, path: string): supertest.Test;
  anonymous(method: Verb, path: string): supertest.Test;
}

/** Builds the API on the engine's database and workers; every answer is checked against its documented schema. */
export function apiOf(engine: TestEngine): EngineApi {
  const { db, flow, registry, sealer } = engine;
  const context: ApiContext = {
    db,
    flow,
    registry,
    sealer,
    externalPlugins: externalPlugins(registry.externalPlugins?.()).plugins,
    publicUrl: engine.publicUrl,
    log: engine.flowDeps.log,
    temporalUiUrl: undefined,
    temporalNamespace: engine.namespace,
    temporalAnswers: async () => true,
    metricsSources: [],
    draining: new AbortController().signal,
    portFor: (service) => createPort(engine.flowDeps, service),
  };
  const token = 'muster_acceptance-tests-token';
  const authenticator = adminTokenAuthenticator(token);
  const mounts = [hookRoutes({ context, authenticator })];
  const app = createApp({ context, routes, authenticator, mounts, checkAnswers: true });
  return {
    call: (method, path) => supertest(app)[method](path).set('Authorization', `Bearer ${token}`),
    anonymous: (method, path) => supertest(app)[method](path),
  };
}
