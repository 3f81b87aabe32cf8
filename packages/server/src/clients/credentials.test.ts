/** Client ids and secrets. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  generateClientId,
  generateClientSecret,
  generateInitialAccessToken,
  generateRegistrationAccessToken,
  isWellFormedSecret,
} from './credentials.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const many = (generate: () => string, length = 2_000) => Array.from({ length }, generate);

test('ids and secrets are letters and digits only, so that every encoding of Basic means the same', () => {
  expect(many(generateClientId).filter((id) => !/^[0-9A-Za-z]{22}$/.test(id))).toEqual([]);
  expect(many(generateClientSecret).filter((secret) => !/^postern[0-9A-Za-z]{49}$/.test(secret))).toEqual([]);
});

test('no two are alike, and every letter and digit is used about as often', () => {
  const ids = many(generateClientId, 20_000);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(many(generateClientSecret)).size).toBe(2_000);
  const counts = new Map<string, number>();
  for (const character of ids.join('')) {
    counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  const expected = (ids.length * 22) / alphabet.length;
  // Ten standard deviations. Bytes taken modulo 62 would put eight letters 17 of them above the rest.
  const spread = 10 * Math.sqrt(expected);
  expect([...alphabet].filter((letter) => Math.abs((counts.get(letter) ?? 0) - expected) > spread)).toEqual([]);
});

describe('the checksum of a secret', () => {
  test.each([
    ['client secret', generateClientSecret, /^postern[0-9A-Za-z]{49}$/],
    ['initial access token', generateInitialAccessToken, /^posterniat[0-9A-Za-z]{49}$/],
    ['registration access token', generateRegistrationAccessToken, /^posternrat[0-9A-Za-z]{49}$/],
  ])('fits every generated %s, which its start tells from the others', (_, generate, form) => {
    expect(many(generate).filter((secret) => !isWellFormedSecret(secret) || !form.test(secret))).toEqual([]);
  });

  test('shows any single character that was changed', () => {
    const secret = generateClientSecret();
    for (let at = 0; at < secret.length; at += 1) {
      for (const other of alphabet) {
        const changed = secret.slice(0, at) + other + secret.slice(at + 1);
        expect([changed, isWellFormedSecret(changed)]).toEqual([changed, changed === secret]);
      }
    }
  });

  test('shows any two neighbours that were swapped', () => {
    const secret = generateClientSecret();
    for (let at = 1; at < secret.length; at += 1) {
      const [before, a = '', b = '', after] = [
        secret.slice(0, at - 1),
        secret[at - 1],
        secret[at],
        secret.slice(at + 1),
      ];
      expect(isWellFormedSecret(before + b + a + after)).toBe(a === b);
    }
  });

  test('does not make other text a secret', () => {
    const secret = generateClientSecret();
    for (const text of [
      '',
      'postern',
      secret.slice(1),
      secret.slice(0, -1),
      `${secret}0`,
      ` ${secret}`,
      `${secret}\n`,
    ]) {
      expect(isWellFormedSecret(text)).toBe(false);
    }
    fc.assert(fc.property(fc.string({ maxLength: 60 }), (text) => !isWellFormedSecret(text)));
  });
});
