import { z } from 'zod';
import { metricsPage } from '../metrics';
import { openApiDocument } from '../openapi';
import { route } from '../route';
import type { ApiContext } from '../context';
import type { Route } from '../route';

const CHECK_TIMEOUT_MS = 2_000;

const liveSchema = z.object({ status: z.literal('live') }).meta({ id: 'Live' });

const readySchema = z
  .object({
    status: z.enum(['ready', 'degraded', 'not ready']).meta({
      description:
        '`degraded`: reads and writes are taken, but work waits until Temporal answers again, or somebody cannot log in',
    }),
    database: z.boolean(),
    temporal: z.boolean(),
    authProviders: z.record(z.string(), z.boolean()).meta({
      description: 'authentication providers by name: can it serve now; one that did not load cannot',
    }),
    skippedConnectors: z.array(z.string()).meta({ description: 'modules that did not load; the log says why' }),
  })
  .meta({ id: 'Ready' });

const live = route({
  method: 'get',
  path: '/health/live',
  acl: 'public',
  summary: 'Is the process alive',
  tags: ['health'],
  responses: { 200: { description: 'It is', schema: liveSchema } },
  handler: async () => ({ status: 200, body: { status: 'live' } }),
});

const ready = route({
  method: 'get',
  path: '/health/ready',
  acl: 'public',
  summary: 'Can requests be served',
  tags: ['health'],
  responses: {
    200: { description: 'Yes, perhaps degraded', schema: readySchema },
    503: { description: 'No: the database does not answer', schema: readySchema },
  },
  async handler({ context }) {
    const [database, temporal] = await Promise.all([
      within(databaseAnswers(context)),
      within(context.temporalAnswers()),
    ]);
    const skippedConnectors = context.registry.skipped.map((skipped) => skipped.module);
    const authProviders = await providersServe(context);
    const facts = { database, temporal, authProviders, skippedConnectors };
    if (!database) return { status: 503, body: { status: 'not ready', ...facts } };
    const isWhole = temporal && Object.values(authProviders).every((serves) => serves);
    return { status: 200, body: { status: isWhole ? 'ready' : 'degraded', ...facts } };
  },
});

async function providersServe({ identity }: ApiContext): Promise<Readonly<Record<string, boolean>>> {
  const { providers: registry } = identity;
  const loaded = await Promise.all(
    registry.providers.map(async (one) => [one.name, await within(registry.isReady(one))] as const),
  );
  return Object.fromEntries([...registry.skipped.map(({ name }) => [name, false] as const), ...loaded]);
}

async function databaseAnswers({ db }: ApiContext): Promise<boolean> {
  await db.query('select 1');
  return true;
}

/** The check's answer; false when it fails or takes too long. */
async function within(check: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([check.catch(() => false), late]);
  } finally {
    clearTimeout(timer);
  }
}

const metrics = route({
  method: 'get',
  path: '/metrics',
  acl: 'system.metrics.read',
  summary: 'Figures for Prometheus',
  tags: ['health'],
  responses: {
    200: {
      description: 'Prometheus text format',
      schema: z.string(),
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
    },
  },
  handler: async ({ context }) => ({ status: 200, body: await metricsPage(context) }),
});

/** Health, metrics, and the document of all routes (itself included). */
export function systemRoutes(others: readonly Route[]): readonly Route[] {
  let document: object | undefined;
  const openapi = route({
    method: 'get',
    path: '/v1/openapi.json',
    acl: 'public',
    summary: 'This document',
    tags: ['health'],
    responses: { 200: { description: 'OpenAPI 3.1', schema: z.record(z.string(), z.unknown()) } },
    handler: async () => {
      document ??= openApiDocument(all);
      return { status: 200, body: { ...document } };
    },
  });
  const own: readonly Route[] = [live, ready, metrics, openapi];
  const all = [...others, ...own];
  return own;
}
