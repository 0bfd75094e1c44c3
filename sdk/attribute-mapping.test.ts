import { attributeMap, mapAttributes } from './attribute-mapping';
import type { AccountProfile } from './manager';

const profile: AccountProfile = {
  name: 'ada',
  nickname: '{email}',
  displayName: 'Ada Lovelace',
  email: 'ada@example.org',
  attributes: { phones: ['1', ' ', '2'], level: 7, none: null },
};

test.each([
  ['{name} <{email}>', ['ada <ada@example.org>']],
  ['{nickname}', ['{email}']],
  ['{attributes.phones}', ['1', '2']],
  ['tel {attributes.phones}', ['tel 1 2']],
  ['{attributes.level}', ['7']],
  ['{attributes.none}', []],
  ['{attributes.absent}', []],
  ['{attributes.constructor}', []],
  ['fixed', ['fixed']],
])('the template %s gives %j', (template, values) => {
  expect(mapAttributes({ field: template }, profile)).toEqual({ field: values });
});

test('a template with an unknown placeholder is refused', () => {
  expect(attributeMap.safeParse({ field: '{username}' }).success).toBe(false);
  expect(attributeMap.safeParse({ field: '{attributes.x} {displayName}' }).success).toBe(true);
});
