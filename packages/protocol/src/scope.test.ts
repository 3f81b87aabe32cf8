/** The grammar of scope. RFC 6749 §3.3, appendix A.4. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isScopeToken, parseScope, scopeFamily } from './scope.ts';

/** NQCHAR of RFC 6749 appendix A, spelled out again. */
const allowed = Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCodePoint(0x21 + i)).filter(
  (character) => character !== '"' && character !== '\\',
);
const scopeToken = fc.string({ unit: fc.constantFrom(...allowed), minLength: 1, maxLength: 30 });

describe('RFC 6749 §3.3 scope', () => {
  test('a scope token is one or more of %x21 / %x23-5B / %x5D-7E', () => {
    for (let code = 0; code <= 0x200; code += 1) {
      const character = String.fromCodePoint(code);
      expect([code, isScopeToken(character)]).toEqual([code, allowed.includes(character)]);
    }
    expect(isScopeToken('')).toBe(false);
    expect(isScopeToken('policy:read\n')).toBe(false);
  });

  test('names joined by spaces are parsed in order, each once', () => {
    fc.assert(
      fc.property(fc.array(scopeToken, { minLength: 1 }), (names) => {
        expect(parseScope(names.join(' '))).toEqual([...new Set(names)]);
      }),
    );
    expect(parseScope('b a b')).toEqual(['b', 'a']);
  });

  test.each([
    ['nothing', ''],
    ['a space alone', ' '],
    ['two spaces', 'a  b'],
    ['a space before', ' a'],
    ['a space after', 'a '],
    ['a tab', 'a\tb'],
    ['a line end', 'a\nb'],
    ['a quotation mark', 'a"b'],
    ['a backslash', 'a\\b'],
    ['a non-ASCII letter', 'politique:créer'],
    ['a control character', 'a\x00b'],
    ['a no-break space', 'a\u00a0b'],
  ])('%s breaks the grammar: invalid_scope', (_, text) => {
    expect(() => parseScope(text)).toThrow(expect.objectContaining({ code: 'invalid_scope' }));
  });

  test('any text either breaks the grammar or equals its names joined by spaces', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...' ab:"\\\x7f\té'), maxLength: 8 }), (text) => {
        let names: string[];
        try {
          names = parseScope(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_scope' });
          return;
        }
        expect(new Set(text.split(' '))).toEqual(new Set(names));
        expect(names.every(isScopeToken)).toBe(true);
      }),
    );
  });
});

test.each([
  ['client:create', 'client:'],
  ['ssf.read', 'ssf.'],
  ['a.b:c', 'a.'],
  ['admin', 'admin'],
])('the family of %s is %s', (name, family) => {
  expect(scopeFamily(name)).toBe(family);
});
