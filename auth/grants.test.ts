import fc from 'fast-check';
import { accessOf } from './access';
import { notGrantable } from './grants';

const caller = { me: 'id-of-holder', session: 'id-of-session' };

function refused(acl: readonly string[], wanted: readonly string[]): readonly string[] {
  return notGrantable({ acl, caller }, wanted);
}

describe('what somebody may hand on', () => {
  test.each([
    [['#'], ['#'], []],
    [['foo.#'], ['foo.#', 'foo.*', 'foo.bar', 'foo.bar.#'], []],
    [['foo.*'], ['foo.*', 'foo.bar'], []],
    [['foo.*'], ['foo.#', '*.bar', '#'], ['foo.#', '*.bar', '#']],
    [['foo.bar'], ['foo.*'], ['foo.*']],
    [[], ['foo'], ['foo']],
    [[], ['!foo', '!#'], []],
    [['foo.edit'], ['foo.edit', 'foo.update'], []],
    [['foo.update'], ['foo.edit'], ['foo.edit']],
    [['foo.e*'], ['foo.edit'], ['foo.edit']],
    [['foo.me.read'], ['foo.me.read', 'foo.id-of-holder.read'], []],
    [['foo.m*.read'], ['foo.me.read'], ['foo.me.read']],
    [['foo.*.read'], ['foo.me.read'], []],
  ])('%j may hand on %j but for %j', (acl, wanted, expected) => {
    expect(refused(acl, wanted)).toEqual(expected);
  });

  test.each([
    [['#', '!foo.secret'], ['#'], ['#']],
    [['#', '!foo.secret'], ['foo.*'], ['foo.*']],
    [['#', '!foo.secret'], ['foo.open', 'bar.#'], []],
    [['#', '!foo.secret'], ['#', '!foo.secret'], []],
    [['#', '!foo.secret'], ['#', '!foo.*'], []],
    [['#', '!foo.*'], ['#', '!foo.secret'], ['#']],
    [['#', '!auth.#'], ['*.clients.create'], ['*.clients.create']],
    [['#', '!users.me.delete'], ['users.me.delete'], ['users.me.delete']],
    [['#', '!users.me.delete'], ['users.id-of-holder.delete'], ['users.id-of-holder.delete']],
  ])('who is denied something hands it on to nobody: %j, %j', (acl, wanted, expected) => {
    expect(refused(acl, wanted)).toEqual(expected);
  });

  test('whatever is handed on allows nothing that the holder may not do', () => {
    const piece = fc.constantFrom('a', 'b', '.', '*', '#', 'edit');
    const entry = fc
      .tuple(fc.boolean(), fc.array(piece, { minLength: 1, maxLength: 5 }))
      .map(([deny, pieces]) => `${deny ? '!' : ''}${pieces.join('')}`);
    const acl = fc.array(entry, { minLength: 1, maxLength: 3 });
    const required = fc.array(fc.constantFrom('a', 'b', '.', 'edit', 'update'), { minLength: 1, maxLength: 5 });
    let handedOn = 0;
    fc.assert(
      fc.property(acl, acl, required, (held, wanted, words) => {
        if (refused(held, wanted).length > 0) return;
        const permission = words.join('');
        if (!accessOf(wanted, {}).allows(permission)) return;
        handedOn += 1;
        expect(accessOf(held, caller).allows(permission)).toBe(true);
      }),
      { numRuns: 20_000 },
    );

    expect(handedOn).toBeGreaterThan(20);
  });
});
