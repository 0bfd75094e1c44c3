import fc from 'fast-check';
import { parseJson } from './json-text';

const read = (text: string): unknown => parseJson(Buffer.from(text));

describe('reading JSON strictly', () => {
  test('whatever JSON.stringify writes is read as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        if (text.includes('__proto__') || text.includes('\\u0000') || /\\ud[89a-f]/i.test(text)) return;

        expect(read(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('a key that stands twice is found at any depth', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string(), { maxLength: 5 }), (key, path) => {
        fc.pre(key !== '__proto__' && !path.includes('__proto__') && !/[\0\p{Cs}]/u.test(key + path.join('')));
        const quoted = JSON.stringify(key);
        const inner = `{${quoted}: 1, ${quoted}: {"a": [2]}}`;
        const text = path.reduce((nested, name) => `[{${JSON.stringify(name)}: ${nested}}]`, inner);

        expect(() => read(text)).toThrow(/stands twice/);
      }),
    );
  });

  test('the same key in different objects is fine', () => {
    expect(read('[{"a": 1}, {"a": {"a": [{"a": "}{,:\\""}]}}]')).toEqual([{ a: 1 }, { a: { a: [{ a: '}{,:"' }] } }]);
  });

  test.each([
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), /not UTF-8/],
    ['a number with a leading zero', Buffer.from('01'), /not JSON/],
    ['65 levels', Buffer.from('['.repeat(65) + ']'.repeat(65)), /deeper than 64/],
    ['NUL in a value', Buffer.from('{"a": ["\\u0000"]}'), /cannot be stored/],
    ['NUL in a key', Buffer.from('{"\\u0000": 1}'), /cannot be stored/],
    ['a lone surrogate', Buffer.from('"\\ud800"'), /cannot be stored/],
    ['a prototype key', Buffer.from('{"__proto__": {}}'), /__proto__/],
  ])('%s is refused', (_what, bytes, message) => {
    expect(() => parseJson(bytes)).toThrow(message);
  });

  test('the message never quotes the body', () => {
    expect(() => read('{"password": "hunter2" oops')).toThrow(/^((?!hunter2).)*$/);
  });
});
