import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { serviceFigures, unexpandedChanges } from '../store/figures';
import type { RequestHandler } from 'express';
import type { ApiContext } from './context';

const registry = new Registry();

const requestSeconds = new Histogram({
  name: 'muster_http_request_seconds',
  help: 'Time from the request to the end of its answer.',
  labelNames: ['route', 'status'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  registers: [registry],
});
const accounts = gauge('muster_accounts', 'Accounts by service and status.', ['service', 'status']);
const standing = gauge('muster_accounts_standing', 'Accounts that are due, waiting, running, failed or staged.', [
  'service',
  'standing',
]);
const paused = gauge('muster_service_paused', '1 while the service is paused.', ['service']);
const unexpanded = gauge('muster_changes_unexpanded', 'Committed changes that are not yet expanded.', []);
const scrapeFailures = new Counter({
  name: 'muster_scrape_failures_total',
  help: 'Times that a part of this page could not be read.',
  labelNames: ['part'],
  registers: [registry],
});

function gauge(name: string, help: string, labelNames: readonly string[]): Gauge {
  return new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] });
}

/** Adds the process's own figures (memory, event loop). Once per process. */
export function collectProcessMetrics(): void {
  collectDefaultMetrics({ register: registry });
}

/** Measures every request under its route's template, so that ids never become labels. */
export function observeRequests(): RequestHandler {
  return (_request, response, next) => {
    const stop = requestSeconds.startTimer();
    response.once('finish', () => {
      const route: unknown = response.locals['route'];
      stop({ route: typeof route === 'string' ? route : 'other', status: response.statusCode });
    });
    next();
  };
}

const FIGURES_MAX_AGE_MS = 5_000;
let figuresReadAt = 0;

/** The page for Prometheus: this process, the figures of the database, and what the sources (workers) show. */
export async function metricsPage(context: ApiContext): Promise<string> {
  await attempt('database', () => readFigures(context));
  const others = await Promise.all(context.metricsSources.map((url) => attempt('workers', () => readSource(url))));
  const own = await registry.metrics();
  return [own, ...others.filter((text) => text !== undefined)].join('\n');
}

async function readFigures({ db }: ApiContext): Promise<void> {
  if (Date.now() - figuresReadAt < FIGURES_MAX_AGE_MS) return;
  const [services, changes] = await Promise.all([serviceFigures(db), unexpandedChanges(db)]);
  for (const metric of [accounts, standing, paused]) metric.reset();
  for (const figures of services) {
    const { service } = figures;
    for (const [status, count] of Object.entries(figures.accounts)) accounts.set({ service, status }, count);
    for (const name of ['due', 'waiting', 'running', 'failed', 'staged'] as const)
      standing.set({ service, standing: name }, figures[name]);
    paused.set({ service }, figures.paused ? 1 : 0);
  }
  unexpanded.set(changes);
  figuresReadAt = Date.now();
}

async function readSource(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
  if (!response.ok) throw new Error(`metrics source answered ${response.status}`);
  return response.text();
}

/** A part that cannot be read must not hide the others: it is counted instead. */
async function attempt<T>(part: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch {
    scrapeFailures.inc({ part });
    return undefined;
  }
}
