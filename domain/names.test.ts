import fc from 'fast-check';
import { candidateName, chooseFormat, formatName, unknownPlaceholders } from './names';
import type { CleanRules, NameInput } from './names';

const ADA: NameInput = {
  username: 'ada',
  displayName: 'Ada Lovelace',
  state: 'Member',
  attributes: { team: 'engines', year: 1843, langs: ['en', 'fr'], none: null },
};

describe('the format of a name', () => {
  test.each([
    ['{username}', 'ada'],
    ['{ username }', 'ada'],
    ['[{state}] {displayName}', '[Member] Ada Lovelace'],
    ['{attributes.team}-{attributes.year}', 'engines-1843'],
    ['{attributes.langs}', 'en fr'],
    ['{attributes.none}{attributes.missing}{unknown}', ''],
    ['  {username}  ', 'ada'],
    ['{attributes.constructor}{attributes.__proto__}', ''],
  ])('%p makes %p', (format, name) => {
    expect(formatName(format, ADA)).toBe(name);
  });

  test('a value that looks like a placeholder stays text', () => {
    expect(formatName('{username}', { ...ADA, username: '{displayName}' })).toBe('{displayName}');
    expect(formatName('{username}', { ...ADA, username: "$& $1 $'" })).toBe("$& $1 $'");
  });

  test('unknown placeholders are named before a format is used', () => {
    expect(unknownPlaceholders('{username} {name} {attributes.x} {}')).toEqual(['name', '']);
    expect(unknownPlaceholders('plain')).toEqual([]);
  });

  test('the state wins over the service, the service over the connector', () => {
    const all = { nameFormats: { Blue: 'b-{username}' }, nameFormat: 's-{username}', hookFormat: 'h-{username}' };

    expect(chooseFormat(all, 'Blue').format).toBe('b-{username}');
    expect(chooseFormat(all, 'Member').format).toBe('s-{username}');
    expect(chooseFormat({ ...all, nameFormat: null }, 'Member').format).toBe('h-{username}');
    expect(chooseFormat({ nameFormats: {}, nameFormat: null, hookFormat: undefined }, 'toString')).toEqual({
      format: '{username}',
      from: 'default',
    });
  });
});

const SHORT: CleanRules = { maxLength: 8, clean: (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '') };
const BYTES: CleanRules = { maxLength: 8, lengthUnit: 'bytes', clean: (name) => name };

describe('the next name when one is taken', () => {
  test('the first is the name itself, the others are numbered from 2', () => {
    expect([0, 1, 2].map((attempt) => candidateName('Ada!', attempt, SHORT))).toEqual(['ada', 'ada-2', 'ada-3']);
    expect(candidateName('Ada!', 1, undefined)).toBe('Ada!-2');
  });

  test('a name of which nothing is left cannot be made', () => {
    expect(candidateName('???', 0, SHORT)).toBe('');
    expect(candidateName('???', 3, SHORT)).toBe('');
  });

  test('a suffix never makes a name too long', () => {
    expect(candidateName('abcdefghij', 9, SHORT)).toBe('abcde-10');
  });

  test('bytes are counted where the service counts bytes, and no character is cut in two', () => {
    expect(candidateName('ääääää', 0, BYTES)).toBe('ääää');
    expect(candidateName('😀😀😀', 0, BYTES)).toBe('😀😀');
    expect(candidateName('😀😀😀', 1, BYTES)).toBe('😀-2');
  });

  test('every candidate fits, and candidates of one name differ', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.nat(98), (name, attempt) => {
        const made = candidateName(name, attempt, BYTES);

        expect(Buffer.byteLength(made)).toBeLessThanOrEqual(8);
        expect(made).not.toMatch(/\p{Cs}/u);
        expect(candidateName(name, attempt + 1, BYTES)).not.toBe(made);
      }),
    );
  });
});
