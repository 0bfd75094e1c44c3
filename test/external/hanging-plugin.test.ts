import { z } from 'zod';
import { PLUGIN_SLOTS } from '../../workers/engine-worker';
import { defineExternalAccounts } from '../../sdk/index';
import type { ExternalRequest, ExternalStart } from '../../sdk/index';
import { createAuthorization, newAuthorizationId, readAuthorization } from '../../store/external-authorizations';
import { createUser } from '../../store/users';
import { authorizationPurpose } from '../../auth/external/context';
import { apiOf } from '../acceptance/engine-api';
import { startTestEngine } from '../engine/engine';
import type { TestEngine } from '../engine/engine';
import { accountWhere, BY, eventually, grantMembers, insertMembers } from '../engine/organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from '../engine/scripted-target';

const TYPES = ['hanging', 'hanging-too', 'well'] as const;

/** A site that answers when the test lets it. */
class Site {
  static waiting = 0;
  static letGo: () => void;
  static readonly released = new Promise<void>((resolve) => {
    Site.letGo = resolve;
  });

  constructor(private readonly dependencies: { readonly type: string }) {}

  async post(_request: ExternalRequest): Promise<ExternalStart> {
    if (this.dependencies.type === 'well') return { code: 'ABC' };
    Site.waiting += 1;
    await Site.released;
    return { code: 'XYZ' };
  }
}

const site = defineExternalAccounts({
  plugin: 'site',
  title: 'A site',
  sdk: 1,
  config: z.strictObject({}),
  resource: Site,
});

const target = new ScriptedTarget();
let engine: TestEngine;
let serviceId: string;
beforeAll(async () => {
  const registry = { ...registryOf(scriptedConnector(target)), externalPlugins: () => [site] };
  engine = await startTestEngine({ registry, callTimeoutMs: 120_000 });
  serviceId = (await engine.addService({ name: 'chat', connector: 'scripted' })).id;
  await grantMembers(engine, serviceId);
  const api = apiOf(engine);
  for (const type of TYPES)
    await api.call('put', `/v1/external/${type}/config`).send({ plugin: 'site', config: {} }).expect(200);
}, 120_000);
afterAll(async () => {
  Site.letGo();
  await engine.close();
});

async function begin(userId: string, type: string): Promise<string> {
  const id = newAuthorizationId();
  const sealedBody = engine.sealer.seal('null', authorizationPurpose(id, 'body'));
  const how = { verb: 'post', actor: 'client:test', sealedBody, browserKey: undefined, returnTo: undefined } as const;
  await createAuthorization(engine.db, { id, userId, type, lifeMs: 600_000, ...how });
  await engine.flow.authorizationStep(id);
  return id;
}

describe('plug-ins that hang', () => {
  test('leave slots to other plug-ins, and keep nobody from being provisioned', async () => {
    const people = await insertMembers(engine, { prefix: 'p', count: PLUGIN_SLOTS + 4 });
    for (const userId of people) await begin(userId, 'hanging');
    await eventually('its share of the slots hangs', async () => Site.waiting === PLUGIN_SLOTS / 2);

    const other = await begin(people[0] ?? '', 'well');
    await eventually('another type answers', async () => {
      const row = await readAuthorization(engine.db, other);
      return row?.status !== 'starting';
    });
    for (const userId of people) await begin(userId, 'hanging-too');
    await eventually('every slot of plug-ins hangs', async () => Site.waiting === PLUGIN_SLOTS);

    // Nobody is told of the change: only the sweep, on the engine's queue, can find it.
    const { record } = await createUser(engine.db, { username: 'ada', state: 'Member' }, BY);
    await accountWhere(engine, { serviceId, userId: record.id }, (account) => account.status === 'active');

    expect(Site.waiting).toBe(PLUGIN_SLOTS);
  });
});
