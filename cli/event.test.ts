import { eventText } from './event';

describe('a step of a history on one line', () => {
  const at = '2026-11-22T10:00:00.000Z';

  test('says what was done', () => {
    const data = { did: ['create', 'set groups'], version: 7 };

    expect(eventText({ at, step: 'done', data })).toBe('done: create, set groups');
    expect(eventText({ at, step: 'done', data: { did: [], version: 7 } })).toBe('done');
  });

  test('says why it failed', () => {
    const error = { code: 'sqlstate-57P03', kind: 'unavailable', message: 'The server is starting.' };

    expect(eventText({ at, step: 'failed', data: { did: [], error } })).toBe(
      'failed: The server is starting. (unavailable)',
    );
  });

  test('shows what it does not know, and nothing that steers a terminal', () => {
    expect(eventText({ at, step: 'resumed', data: { actor: 'client:a' } })).toBe('resumed: {"actor":"client:a"}');
    expect(eventText({ at, step: 'done', data: { did: ['a\u001B[2J'] } })).toBe('done: a?[2J');
  });
});
