import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  findDefaultKey,
  findKeyOf,
  isRotationDue,
  type ScheduledKey,
  statusOf,
  verifiesUntil,
} from './key-schedule.ts';

const day = 86_400_000;
const publicationLeadMs = 3_600_000;
const key = (over: Partial<ScheduledKey> = {}): ScheduledKey => ({
  alg: 'ES256',
  createdAt: 0,
  signsFrom: 0,
  signsUntil: null,
  longestTtlSeconds: 60,
  ...over,
});

test('a key waits, signs, only verifies, and is done with its last token', () => {
  const rotated = key({ signsFrom: 1_000, signsUntil: 5_000 });
  expect([0, 999, 1_000, 4_999, 5_000, 64_999, 65_000].map((now) => statusOf(rotated, now))).toEqual([
    'next',
    'next',
    'signing',
    'signing',
    'retired',
    'retired',
    'expired',
  ]);
  expect(verifiesUntil(rotated)).toBe(65_000);
  expect(verifiesUntil(key())).toBeNull();
});

describe('which key signs', () => {
  test('the old one until the moment the new one starts', () => {
    const old = key({ signsUntil: 10_000 });
    const next = key({ createdAt: 1_000, signsFrom: 10_000 });
    expect(findDefaultKey([old, next], 'ES256', 9_999)).toBe(old);
    expect(findDefaultKey([old, next], 'ES256', 10_000)).toBe(next);
  });

  test('a change of algorithm takes effect when its first key may sign', () => {
    const old = key({ signsUntil: 10_000 });
    const next = key({ alg: 'EdDSA', createdAt: 1_000, signsFrom: 10_000 });
    expect(findDefaultKey([old, next], 'EdDSA', 9_999)).toBe(old);
    expect(findDefaultKey([old, next], 'EdDSA', 10_000)).toBe(next);
  });

  test('the oldest where the clock was set back to before all of them', () => {
    const first = key({ createdAt: 5_000, signsFrom: 5_000, signsUntil: 10_000 });
    const next = key({ createdAt: 6_000, signsFrom: 10_000 });
    expect(findDefaultKey([first, next], 'ES256', 4_999)).toBe(first);
    expect(findDefaultKey([first], 'EdDSA', 4_999)).toBe(first);
    expect(findDefaultKey([], 'ES256', 4_999)).toBeUndefined();
  });

  test('an audience that takes one algorithm only never gets another', () => {
    const waiting = key({ alg: 'RS256', signsFrom: 10_000 });
    expect(findKeyOf([key(), waiting], 'RS256', 0)).toBe(waiting);
    expect(findKeyOf([key()], 'RS256', 0)).toBeUndefined();
  });
});

test('a rotation is due when the newest key has been so for the interval, and where there is none', () => {
  expect(isRotationDue([], 'ES256', 0, 0)).toBe(true);
  expect(isRotationDue([key()], 'ES256', 0, 1_000 * day)).toBe(false);
  expect(isRotationDue([key()], 'ES256', 90 * day, 90 * day - 1)).toBe(false);
  expect(isRotationDue([key()], 'ES256', 90 * day, 90 * day)).toBe(true);
  expect(isRotationDue([key()], 'EdDSA', 90 * day, 0)).toBe(true);
});

test('with any history of rotations there is one signing key at every time, published long enough before', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100 * day }), { maxLength: 8 }), (moments) => {
      let keys = [key()];
      for (const createdAt of moments.toSorted((a, b) => a - b)) {
        const signsFrom = createdAt + publicationLeadMs;
        keys = [
          ...keys.map((old) => (old.signsUntil === null ? { ...old, signsUntil: signsFrom } : old)),
          key({ createdAt, signsFrom }),
        ];
      }
      for (const now of [...keys.flatMap(({ signsFrom }) => [signsFrom - 1, signsFrom]), 200 * day]) {
        const signing = findDefaultKey(keys, 'ES256', Math.max(now, 0));
        expect(signing).toBeDefined();
        expect(signing?.createdAt === 0 || (signing as ScheduledKey).createdAt + publicationLeadMs <= now).toBe(true);
      }
    }),
  );
});
