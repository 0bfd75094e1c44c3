import { reportProgress } from './sync-progress';
import type { ProgressFacts, SyncPace } from './sync-progress';

const PACE: SyncPace = { recent: 300, recentMs: 30_000, activeMs: 60_000, servicePaused: false, throttled: false };

function report(facts: Partial<ProgressFacts>, pace: Partial<SyncPace> = {}) {
  return reportProgress({ status: 'running', total: 1_000, done: 400, ...facts, pace: { ...PACE, ...pace } });
}

describe('the progress of a sync', () => {
  test('has the rate of now, the rate of all, and an end by the rate of now', () => {
    expect(report({})).toEqual({
      done: 400,
      ratePerSecond: 10,
      overallPerSecond: 6.67,
      leftMs: 60_000,
      waitsFor: null,
    });
  });

  test.each([
    [{ status: 'queued' }, {}, 'its turn'],
    [{ status: 'paused' }, {}, 'resume'],
    [{}, { servicePaused: true }, 'the service is paused'],
    [{}, { throttled: true }, 'the service asked to wait'],
  ] as const)('promises no end when it is held up: %j %j', (facts, pace, waitsFor) => {
    expect(report(facts, pace)).toMatchObject({ ratePerSecond: null, leftMs: null, waitsFor });
  });

  test.each([
    ['nothing has moved', { recent: 0 }, 0],
    ['it has just begun', { recentMs: 200 }, null],
  ])('promises no end when %s', (_why, pace, ratePerSecond) => {
    expect(report({}, pace)).toMatchObject({ ratePerSecond, leftMs: null, waitsFor: null });
  });

  test('of one that has ended keeps its rate and waits for nothing', () => {
    expect(report({ status: 'succeeded' }, { throttled: true })).toMatchObject({
      ratePerSecond: null,
      overallPerSecond: 6.67,
      leftMs: null,
      waitsFor: null,
    });
  });
});
