import { z } from 'zod';
import { serviceName, uuid } from '../fields';
import { route } from '../route';
import { readOwnSync, showProgress, showSync } from '../sync-views';
import { syncWatch } from '../sync-watch';
import type { Sync } from '../../store/syncs';
import type { ApiContext } from '../context';
import type { Route } from '../route';

/** A line now and then, so that nobody in between takes the connection for dead. */
const KEEP_ALIVE_MS = 15_000;

const events = route({
  method: 'get',
  path: '/v1/services/{name}/syncs/{syncId}/events',
  acl: 'provisioning.services.{name}.syncs.{syncId}.read',
  summary: 'Follows a sync as server-sent events',
  description:
    'An event `progress` whenever it has moved (at most one a second), and `end` when it has ended; the data is the sync. `Last-Event-ID` leaves out what was seen; 204 when the end was.',
  tags: ['syncs'],
  params: { name: serviceName, syncId: uuid },
  responses: {
    200: { description: 'Events until the sync has ended', schema: z.string(), contentType: 'text/event-stream' },
    204: { description: 'The end was seen already' },
  },
  async handler({ params: { name, syncId }, headers, context, signal }) {
    const sync = await readOwnSync(context, name, syncId);
    const seen = headers['last-event-id'];
    if (sync.finishedAt !== null && seen === String(sync.revision)) return { status: 204 };
    return {
      status: 200,
      headers: { 'X-Accel-Buffering': 'no' },
      stream: eventsOf(context, { first: sync, seen, signal }),
    };
  },
});

interface Following {
  readonly first: Sync;
  /** The last event that the client has. */
  readonly seen: string | undefined;
  readonly signal: AbortSignal;
}

async function* eventsOf(context: ApiContext, { first, seen, signal }: Following): AsyncGenerator<string, void> {
  yield 'retry: 2000\n\n';
  let shown = seen === String(first.revision) ? stateOf(first) : undefined;
  let sentAt = performance.now();
  const fresh = function* (sync: Sync): Generator<string, void> {
    if (stateOf(sync) !== shown) {
      shown = stateOf(sync);
      sentAt = performance.now();
      yield eventText(sync, context);
    } else if (performance.now() - sentAt >= KEEP_ALIVE_MS) {
      sentAt = performance.now();
      yield ': still here\n\n';
    }
  };
  yield* fresh(first);
  if (first.finishedAt !== null) return;
  for await (const sync of syncWatch(context.db).follow(first.id, signal)) {
    yield* fresh(sync);
    if (sync.finishedAt !== null) return;
  }
}

/** Also without a change of the sync itself something may be new: the service was paused, or nothing has moved for long. */
function stateOf(sync: Sync): string {
  const { waitsFor, endsAt } = showProgress(sync);
  return [sync.revision, waitsFor, endsAt === null].join('/');
}

function eventText(sync: Sync, context: ApiContext): string {
  const event = sync.finishedAt === null ? 'progress' : 'end';
  return `id: ${sync.revision}\nevent: ${event}\ndata: ${JSON.stringify(showSync(sync, context))}\n\n`;
}

export const syncEventRoutes: readonly Route[] = [events];
