/** Each DPoP proof is accepted once, within limits. RFC 9449 §11.1. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createUsedProofs } from './used-proofs.ts';

test('a proof is accepted once until it expires; one of another key or jti is another proof', async () => {
  let nowMs = 0;
  const use = createUsedProofs(100, () => nowMs);
  expect(await Promise.all([use('a', '1', 60), use('a', '1', 60)])).toEqual([true, false]);
  expect([await use('a', '2', 60), await use('b', '1', 60)]).toEqual([true, true]);
  nowMs = 60_000;
  expect(await use('a', '1', 60)).toBe(false);
});

test('in any order of uses, no proof is accepted twice before it expires', async () => {
  const uses = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 30 })), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(uses, async (steps) => {
      let nowSeconds = 0;
      const use = createUsedProofs(1_000, () => nowSeconds * 1000);
      const goodUntil = new Map<number, number>();
      for (const [proof, pause] of steps) {
        nowSeconds += pause;
        const known = goodUntil.get(proof);
        const expiresAt = nowSeconds + 60;
        const passed = await use('key', `${proof}`, expiresAt);
        if (known !== undefined && known >= nowSeconds) {
          expect(passed).toBe(false);
        } else if (passed) {
          goodUntil.set(proof, expiresAt);
        }
      }
    }),
  );
});

test('when it is full it rejects proofs rather than forget one, until some have expired', async () => {
  let nowMs = 0;
  const use = createUsedProofs(10, () => nowMs);
  for (let i = 0; i < 10; i += 1) {
    expect(await use('a', `${i}`, 60)).toBe(true);
  }
  await expect(use('a', 'more', 60)).rejects.toMatchObject({ code: 'temporarily_unavailable', status: 503 });
  expect(await use('a', '0', 60).catch(() => 'refused')).not.toBe(true);
  nowMs = 61_000;
  expect(await use('a', 'more', 121)).toBe(true);
});
