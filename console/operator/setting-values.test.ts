import { settingText, settingValue } from './setting-values';
import { readSettings, SECTIONS } from './setting-table';
import type { SettingKind } from './setting-values';

test.each<[SettingKind, string, unknown]>([
  ['text', 'team_{group}', 'team_{group}'],
  ['number', '12', 12],
  ['lines', 'a*\nb', ['a*', 'b']],
  ['table', 'Engine Room: engineers, crew\nDeck: deck', { 'Engine Room': ['engineers', 'crew'], Deck: ['deck'] }],
  ['map', 'Blue: {username}-guest', { Blue: '{username}-guest' }],
  [
    'limits',
    '50 per 1 s\n40 per 10 s bucket 8',
    [
      { limit: 50, windowMs: 1_000 },
      { limit: 40, windowMs: 10_000, kind: 'bucket', burst: 8 },
    ],
  ],
  ['routes', 'PATCH /users/{}: 5 per 300 s', { 'PATCH /users/{}': [{ limit: 5, windowMs: 300_000 }] }],
])('a setting of the kind %s is read as it was shown', (kind, text, value) => {
  expect(settingValue(kind, text)).toEqual({ value });
  expect(settingText(kind, value)).toBe(text);
});

test.each<[SettingKind, string]>([
  ['number', 'many'],
  ['limits', 'fifty a second'],
  ['table', 'no colon here'],
])('what is no %s is told, and nothing is sent', (kind, text) => {
  expect(settingValue(kind, text)).toHaveProperty('error');
});

test('nothing typed is not set', () => {
  expect(settingValue('lines', ' \n ')).toEqual({ value: undefined });
});

test('a form alters what it names, and keeps what it does not', () => {
  const before = {
    guard: { 'of another version': { minimum: 3 }, removal: { minimum: 5 } },
    budget: {},
    orphans: { keep: ['root'] },
  };
  const form = new URLSearchParams({ 'guard.removal.percent': '20', 'budget.concurrency': '2', firstRun: 'write' });

  const { fields, errors } = readSettings(SECTIONS.limits, form, before);

  expect(errors).toEqual({});
  expect(fields).toMatchObject({
    guard: { 'of another version': { minimum: 3 }, removal: { percent: 20 } },
    budget: { concurrency: 2 },
    orphans: {},
    maxConcurrency: null,
    firstRun: 'write',
  });
});
