import fc from 'fast-check';
import { accessOf, accessWord } from './access';

const me = '0199aaaa-0000-7000-8000-000000000001';
const session = '0199bbbb-0000-7000-8000-000000000002';

function allows(acl: readonly string[], required: string | undefined): boolean {
  return accessOf(acl, { me, session }).allows(required);
}

describe('an entry of an access list', () => {
  test.each([
    ['foo', 'foo', true],
    ['foo', 'foo.bar', false],
    ['foo.bar', 'foo', false],
    ['foo.*', 'foo.bar', true],
    ['foo.*', 'foo.bar.baz', false],
    ['foo.*', 'foo', false],
    ['foo.*', 'foo.#', false],
    ['foo.*.baz', 'foo.bar.baz', true],
    ['foo.*.baz', 'foo.bar.qux.baz', false],
    ['foo.b*r', 'foo.bazaar', true],
    ['foo.b*r', 'foo.b.r', false],
    ['*', 'foo', true],
    ['*', 'foo.bar', false],
    ['foo.#', 'foo.bar', true],
    ['foo.#', 'foo.bar.baz', true],
    ['foo.#', 'foo', false],
    ['foo.#.qux', 'foo.bar.baz.qux', true],
    ['foo.#.qux', 'foo.qux', false],
    ['foo#', 'foo', true],
    ['#', 'anything.at.all', true],
    ['fo.', 'foo', false],
    ['f.o', 'foo', false],
    ['foo+', 'fooo', false],
    ['(foo)', 'foo', false],
  ])('%s of %s: %s', (entry, required, expected) => {
    expect(allows([entry], required)).toBe(expected);
  });

  test.each([
    ['users.me.read', `users.${me}.read`, true],
    ['users.me.read', 'users.me.read', true],
    ['users.me.read', `users.${session}.read`, false],
    ['users.me.#', `users.${me}.services.mail.activate`, true],
    ['some.me', 'some.me', true],
    ['some.meat', `some.${me}at`, false],
    ['sessions.my_session.delete', `sessions.${session}.delete`, true],
    ['sessions.my_session.delete', 'sessions.my_session.delete', true],
    ['sessions.my_session.delete', `sessions.${me}.delete`, false],
    ['auth.thing.edit', 'auth.thing.update', true],
    ['auth.thing.edit', 'auth.thing.edit', true],
    ['auth.thing.update', 'auth.thing.edit', false],
    ['auth.edition', 'auth.updateion', false],
  ])('with a reserved word: %s of %s: %s', (entry, required, expected) => {
    expect(allows([entry], required)).toBe(expected);
  });

  test.each([
    [['foo.#', '!foo.bar'], 'foo.bar', false],
    [['!foo.bar', 'foo.#'], 'foo.bar', false],
    [['foo.#', '!foo.bar'], 'foo.baz', true],
    [['foo.bar', '!#'], 'foo.bar', false],
    [['#', '!users.me.delete'], `users.${me}.delete`, false],
    [['!foo.bar'], 'foo.baz', false],
  ])('taking away wins in every order: %j of %s: %s', (acl, required, expected) => {
    expect(allows(acl, required)).toBe(expected);
  });

  test('a route that requires nothing is allowed to an empty list', () => {
    expect(allows([], undefined)).toBe(true);
  });

  test('nobody is me without an id', () => {
    expect(accessOf(['users.me.read'], { me: '' }).allows('users..read')).toBe(false);
  });

  test('many wildcards take no time to be refused', () => {
    const started = process.cpuUsage();
    const allowed = allows(['#a'.repeat(100)], 'a'.repeat(250).concat('b'));
    const { user } = process.cpuUsage(started);

    expect(allowed).toBe(false);
    expect(user).toBeLessThan(2_000_000);
  });
});

describe('whatever the words are', () => {
  const word = fc.stringMatching(/^[a-d_-]{1,4}$/);
  const name = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join('.'));
  const piece = fc.constantFrom('a', 'b', '.', '*', '#', 'me', 'edit');
  const pattern = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''));

  test('an entry allows what the rules say as a regular expression', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '.', 'me', 'edit', 'update', me), { maxLength: 6 });
    fc.assert(
      fc.property(
        pattern,
        text.map((parts) => parts.join('')),
        (entry, required) => {
          expect(allows([entry], required)).toBe(asExpression(entry).test(required));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('more entries never allow less, and taking away never allows more', () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 4 }), pattern, name, (acl, entry, required) => {
        if (allows(acl, required)) expect(allows([...acl, entry], required)).toBe(true);
        if (!allows(acl, required)) expect(allows([...acl, `!${entry}`], required)).toBe(false);
        if (allows([entry], required)) expect(allows([...acl, `!${entry}`], required)).toBe(false);
      }),
    );
  });

  test('the order of the entries does not matter', () => {
    const acl = fc.array(fc.tuple(fc.boolean(), pattern).map(([deny, entry]) => (deny ? `!${entry}` : entry)));
    fc.assert(
      fc.property(acl, name, (entries, required) => {
        expect(allows(entries, required)).toBe(allows(entries.toReversed(), required));
      }),
    );
  });

  test('a value put into a permission stays one word and no wildcard', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (value) => {
        expect(allows(['things.*.read'], `things.${accessWord(value)}.read`)).toBe(true);
      }),
    );
    expect(accessWord('username:ada.b')).toBe('username:ada_b');
  });
});

/** The rules once more, in the other way to write them. */
function asExpression(entry: string): RegExp {
  const words = entry.split('.').map((word) => {
    if (word === 'me') return `(me|${me})`;
    if (word === 'edit') return '(edit|update)';
    return word.replaceAll('*', '[^.#]*').replaceAll('#', '.*');
  });
  return new RegExp(`^${words.join('\\.')}$`);
}
