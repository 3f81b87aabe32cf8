/** The cache of verified tokens: it keeps those that were used last, within its size. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type VerifiedToken, VerifiedTokens } from './verified-tokens.ts';

const entry = (text: string) => ({ token: { jti: text }, key: { kid: 'one' } }) as unknown as VerifiedToken;

test('finds only what was added under that text, and never keeps more than its size', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 100 }),
      (size, uses) => {
        const tokens = new VerifiedTokens(size);
        for (const use of uses) {
          const found = tokens.find(`${use}`);
          expect(found?.token.jti ?? `${use}`).toBe(`${use}`);
          if (found === undefined) {
            tokens.add(`${use}`, entry(`${use}`));
          }
          expect(tokens.find(`${use}`)).toBeDefined();
        }
        const kept = Array.from({ length: 21 }, (_, i) => tokens.find(`${i}`)).filter((found) => found !== undefined);
        expect(kept.length).toBeLessThanOrEqual(size + 1);
      },
    ),
  );
});

test('keeps a token that is used again and again', () => {
  const tokens = new VerifiedTokens(10);
  const mine = entry('mine');
  tokens.add('mine', mine);
  for (let i = 0; i < 100; i += 1) {
    tokens.add(`${i}`, entry(`${i}`));
    expect(tokens.find('mine')).toBe(mine);
  }
});
