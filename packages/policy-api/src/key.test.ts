/** Deriving keys from names. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveKey, Key, longestKey } from './key.ts';

const pattern = new RegExp((Key as { pattern?: string }).pattern ?? '', 'u');

/** The key, or undefined where the name gives none. */
function derived(name: string): string | undefined {
  try {
    return deriveKey(name);
  } catch {
    return undefined;
  }
}

/** Of letters, marks and signs of all scripts, some of which stand for several others. */
const anyName = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('a', 'é', '\ufdfa', ' ') }),
);

describe('deriveKey', () => {
  test.each([
    ['User Email Address', 'user_email_address'],
    ['s3 storage 2', 's3_storage_2'],
    ['  Access -- all (EU)! ', 'access_all_eu'],
    ['Política de Datos', 'politica_de_datos'],
    ['user.contact', 'user_contact'],
    ['..', undefined],
    ['用户', undefined],
    ['_', undefined],
  ])('of %j is %j', (name, key) => {
    expect(derived(name)).toBe(key);
  });

  test('says what to do where a name gives no key', () => {
    expect(() => deriveKey('用户')).toThrow(/^name: no key can be derived from it; send one as key\.$/);
  });

  test('gives none longer than a key may be', () => {
    expect(derived('a'.repeat(longestKey))).toBe('a'.repeat(longestKey));
    expect(derived('a'.repeat(longestKey + 1))).toBeUndefined();
  });

  test('gives valid keys in snake case only, and does not change them further', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const key = derived(name);
        if (key !== undefined) {
          expect(key).toMatch(pattern);
          expect(key).toMatch(/^[a-z0-9]+(_[a-z0-9]+)*$/);
          expect(key.length).toBeLessThanOrEqual(longestKey);
          expect(derived(key)).toBe(key);
        }
      }),
    );
  });

  test('joins the words of a name, whatever stands between them', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9]{1,10}$/);
    const gap = fc.stringMatching(/^[ _.,:;/()&-]{1,3}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 10 }), gap, (words, between) => {
        expect(deriveKey(words.join(between))).toBe(words.join('_').toLowerCase());
      }),
    );
  });
});

test('the pattern takes no step of a path that URLs give a meaning of their own', () => {
  expect(['.', '..', '', 'a/b', 'a b', 'ä', 'a\n'].filter((key) => pattern.test(key))).toEqual([]);
  expect(['...', '.a', 'a.', '-', '_', '__proto__', 'A-z_0.9'].filter((key) => !pattern.test(key))).toEqual([]);
});
