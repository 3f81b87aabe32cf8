/** Each DPoP proof is accepted once, within limits. RFC 9449 §11.1. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createUsedProofs } from './used-proofs.ts';

test('a proof is accepted once until it expires; one of another key or jti is another proof', async () => {
  let nowMs = 0;
  const use = createUsedProofs({ mostOfClient: 100, mostOfAll: 100, now: () => nowMs });
  expect(await Promise.all([use('a', '1', 60, 'c'), use('a', '1', 60, 'c')])).toEqual([true, false]);
  expect([await use('a', '2', 60, 'c'), await use('b', '1', 60, 'c')]).toEqual([true, true]);
  nowMs = 60_000;
  expect(await use('a', '1', 60, 'c')).toBe(false);
});

test('in any order of uses, no proof is accepted twice before it expires', async () => {
  const uses = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 30 })), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(uses, async (steps) => {
      let nowSeconds = 0;
      const use = createUsedProofs({ mostOfClient: 1_000, mostOfAll: 1_000, now: () => nowSeconds * 1000 });
      const goodUntil = new Map<number, number>();
      for (const [proof, pause] of steps) {
        nowSeconds += pause;
        const known = goodUntil.get(proof);
        const expiresAt = nowSeconds + 60;
        const passed = await use('key', `${proof}`, expiresAt, 'c');
        if (known !== undefined && known >= nowSeconds) {
          expect(passed).toBe(false);
        } else if (passed) {
          goodUntil.set(proof, expiresAt);
        }
      }
    }),
  );
});

test('when one client has used too many, only that client is refused, until some have expired', async () => {
  let nowMs = 0;
  const use = createUsedProofs({ mostOfClient: 10, mostOfAll: 1_000, now: () => nowMs });
  // Of ever new keys: a client can have any number of them.
  for (let index = 0; index < 10; index += 1) {
    expect(await use(`key${index}`, 'some', 60, 'attacker')).toBe(true);
  }
  await expect(use('more', 'some', 60, 'attacker')).rejects.toMatchObject({
    code: 'too_many_requests',
    status: 429,
    retryAfterSeconds: 70,
  });
  expect(await use('key0', 'some', 60, 'attacker')).toBe(false);
  expect(await use('other', 'some', 60, 'innocent')).toBe(true);
  nowMs = 70_000;
  expect(await use('more', 'some', 130, 'attacker')).toBe(true);
});

test('when all together have used too many, those are refused that have more than their share', async () => {
  const use = createUsedProofs({ mostOfClient: 90, mostOfAll: 100, now: () => 0 });
  const outcomes = async (client: string, times: number) => {
    let accepted = 0;
    for (let index = 0; index < times; index += 1) {
      accepted += await use(client, `${index}`, 60, client).then(Number, () => 0);
    }
    return accepted;
  };
  expect([await outcomes('a', 100), await outcomes('b', 100)]).toEqual([90, 50]);
  expect(await outcomes('innocent', 30)).toBe(30);
  expect(await use('a', 'more', 60, 'a').catch(({ code }) => code)).toBe('too_many_requests');
});
