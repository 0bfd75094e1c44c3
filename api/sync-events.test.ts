import { setMaxListeners } from 'node:events';
import { createTestApi } from '../test/environment/api';
import { addAccounts, addService, addUsers } from '../test/store/organisation';
import { waitFor } from '../runtime/wait-for';
import { recordItems, stageSync } from '../store/sync-items';
import { finishSync, requestSync, startNextQueued } from '../store/syncs';
import { SyncWatch, syncWatch } from './sync-watch';
import type { Queryable } from '../store/database';
import type { TestApi } from '../test/environment/api';

const STREAMS = 300;
const PATIENCE_MS = 20_000;

let api: TestApi;
let url: string;
let mail: string;
beforeAll(async () => {
  api = await createTestApi();
  url = await api.listen();
  mail = await addService(api.context.db, { name: 'mail' });
  await addAccounts(api.context.db, mail, await addUsers(api.context.db, 3));
});
afterAll(() => api.close());

async function begun(): Promise<string> {
  const { db } = api.context;
  const { syncId } = await requestSync(db, { serviceId: mail, kind: 'full', scope: {}, actor: 'client:test' });
  await startNextQueued(db, mail);
  await stageSync(db, syncId);
  return syncId;
}

function end(syncId: string) {
  return finishSync(api.context.db, syncId, { status: 'succeeded', reason: 'not reached' });
}

function open(syncId: string, options: { readonly lastEventId?: string; readonly signal?: AbortSignal } = {}) {
  const { lastEventId, signal } = options;
  return fetch(`${url}/v1/services/mail/syncs/${syncId}/events`, {
    headers: {
      authorization: `Bearer ${api.token}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    ...(signal === undefined ? {} : { signal }),
  });
}

interface SeenEvent {
  readonly id: string;
  readonly event: string;
  readonly data: { readonly status: string; readonly progress: { readonly done: number } };
}

async function* eventsOf(response: Response): AsyncGenerator<SeenEvent, void> {
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString();
    for (let gap = text.indexOf('\n\n'); gap >= 0; gap = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, gap)
          .split('\n')
          .map((line) => line.split(/: (.*)/s) as [string, string]),
      );
      text = text.slice(gap + 2);
      if (fields.has('data')) {
        yield {
          id: fields.get('id') ?? '',
          event: fields.get('event') ?? '',
          data: JSON.parse(fields.get('data') ?? ''),
        };
      }
    }
  }
}

async function next(events: AsyncGenerator<SeenEvent, void>): Promise<SeenEvent> {
  const { value } = await events.next();
  if (value === undefined) throw new Error('the stream has ended');
  return value;
}

async function watchersAre(count: number): Promise<void> {
  const watch = syncWatch(api.context.db);
  const reached = await waitFor(PATIENCE_MS, async () => watch.watchers === count || undefined);
  expect({ reached, watchers: watch.watchers }).toEqual({ reached: true, watchers: count });
}

describe('the events of a sync', () => {
  test('tell how it goes and end with it', async () => {
    const syncId = await begun();
    const response = await open(syncId);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = eventsOf(response);

    const first = await next(events);
    await recordItems(api.context.db, syncId, [{ seq: 1, outcome: 'unchanged' }]);
    const second = await next(events);
    await end(syncId);
    const last = await next(events);

    expect([first, second, last].map(({ event, data }) => [event, data.progress.done])).toEqual([
      ['progress', 0],
      ['progress', 1],
      ['end', 3],
    ]);
    expect(Number(second.id)).toBeGreaterThan(Number(first.id));
    expect((await events.next()).done).toBe(true);
    await watchersAre(0);
  });

  test('begin after what the client has seen, and never again after the end', async () => {
    const syncId = await begun();
    const left = new AbortController();
    const { id } = await next(eventsOf(await open(syncId, { signal: left.signal })));
    left.abort();

    const again = eventsOf(await open(syncId, { lastEventId: id }));
    const control = eventsOf(await open(syncId));
    expect((await next(control)).id).toBe(id);
    await end(syncId);
    const last = await next(again);
    expect(last.event).toBe('end');
    expect((await next(control)).id).toBe(last.id);
    expect((await open(syncId, { lastEventId: last.id })).status).toBe(204);
    expect((await next(eventsOf(await open(syncId, { lastEventId: id })))).id).toBe(last.id);
  });

  test(`of one sync go to ${STREAMS} listeners, who leave nothing behind`, async () => {
    const syncId = await begun();
    const gone = new AbortController();
    setMaxListeners(0, gone.signal);
    const listeners = await Promise.all(
      Array.from({ length: STREAMS }, async () => eventsOf(await open(syncId, { signal: gone.signal }))),
    );
    await Promise.all(listeners.map((events) => next(events)));
    await watchersAre(STREAMS);
    await recordItems(api.context.db, syncId, [{ seq: 1, outcome: 'unchanged' }]);
    const seen = await Promise.all(listeners.map((events) => next(events)));
    expect(new Set(seen.map((event) => event.data.progress.done))).toEqual(new Set([1]));

    gone.abort();
    await watchersAre(0);
    await end(syncId);
  });

  test('asked for by HEAD are only announced', async () => {
    const syncId = await begun();
    const response = await fetch(`${url}/v1/services/mail/syncs/${syncId}/events`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${api.token}` },
    });
    expect([response.status, await response.text()]).toEqual([200, '']);
    await end(syncId);
  });

  test('of an unknown sync are a 404', async () => {
    expect((await open('00000000-0000-7000-8000-000000000000')).status).toBe(404);
  });
});

describe('the watch', () => {
  test('asks the database once for all who watch, and not at all for nobody', async () => {
    const syncId = await begun();
    const { db } = api.context;
    let queries = 0;
    const counting = {
      query: (...args: Parameters<Queryable['query']>) => {
        queries += 1;
        return db.query(...args);
      },
    } as unknown as Queryable;
    const watch = new SyncWatch(counting, 20);
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const followed = Array.from({ length: STREAMS }, () => watch.follow(syncId, stop.signal));
    const looked = await Promise.all(followed.map((sync) => sync.next()));

    expect(looked.every(({ value }) => value?.id === syncId)).toBe(true);
    expect(queries).toBe(1);
    stop.abort();
    await Promise.all(followed.map((sync) => sync.next()));
    expect(watch.watchers).toBe(0);
    const before = queries;
    const one = watch.follow(syncId, new AbortController().signal);
    await one.next();
    await one.return();
    expect(queries - before).toBeLessThanOrEqual(1);
    await end(syncId);
  });
});
