import fc from 'fast-check';
import { createSealer, generateKey } from './sealer';

describe('the sealer', () => {
  const sealer = createSealer(generateKey());

  test('what was sealed opens again under the same purpose', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (text, purpose) => {
        expect(sealer.open(sealer.seal(text, purpose), purpose)).toBe(text);
      }),
    );
  });

  test('the same text is never sealed to the same bytes', () => {
    expect(sealer.seal('x', 'p').equals(sealer.seal('x', 'p'))).toBe(false);
  });

  test('another purpose does not open it', () => {
    expect(() => sealer.open(sealer.seal('x', 'password:a'), 'password:b')).toThrow(
      expect.objectContaining({ code: 'seal-broken' }),
    );
  });

  test('a changed bit anywhere is noticed', () => {
    const sealed = sealer.seal('secret', 'p');
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;

      expect(() => sealer.open(changed, 'p')).toThrow(expect.objectContaining({ name: 'SealError' }));
    }
  });

  test('another key says which one is missing, and nothing of the value', () => {
    const other = createSealer(generateKey());

    expect(() => other.open(sealer.seal('canary', 'p'), 'p')).toThrow(/key [\da-f]{8}, which is not among/);
  });

  test('with two keys the newer seals and both open', () => {
    const [old, fresh] = [generateKey(), generateKey()];
    const before = createSealer(old).seal('secret', 'p');
    const both = createSealer(`${fresh},${old}`);

    const rotated = both.rotate(before, 'p');

    expect(both.open(before, 'p')).toBe('secret');
    expect(createSealer(fresh).open(rotated ?? Buffer.alloc(0), 'p')).toBe('secret');
    expect(both.rotate(rotated ?? Buffer.alloc(0), 'p')).toBeUndefined();
  });

  test.each([
    ['short', 'c2hvcnQ='],
    ['nothing', ''],
    ['31 bytes', Buffer.alloc(31).toString('base64')],
  ])('%s is no key', (_what, key) => {
    expect(() => createSealer(key)).toThrow(expect.objectContaining({ code: 'seal-key-invalid' }));
  });

  test('hex and base64 are the same key', () => {
    const bytes = Buffer.alloc(32, 7);
    const sealed = createSealer(bytes.toString('hex')).seal('x', 'p');

    expect(createSealer(bytes.toString('base64')).open(sealed, 'p')).toBe('x');
  });

  test('a fingerprint is the same for the same text, key and purpose only', () => {
    const prints = [
      sealer.fingerprint('a', 'p'),
      sealer.fingerprint('b', 'p'),
      sealer.fingerprint('a', 'q'),
      createSealer(generateKey()).fingerprint('a', 'p'),
    ];

    expect(sealer.fingerprint('a', 'p')).toBe(prints[0]);
    expect(new Set(prints).size).toBe(4);
  });
});
