/** When an old secret may be called unused: never while a caller may still come back with it. */
import { expect, test } from 'vitest';
import { secretUses } from './secret-use.ts';

const second = 1_000;
const secret = (createdAt: number, lastUsedAt: number | null, expiresAt: number | null = null) => ({
  createdAt: createdAt * second,
  lastUsedAt: lastUsedAt === null ? null : lastUsedAt * second,
  expiresAt: expiresAt === null ? null : expiresAt * second,
});
const at = (now: number, ...secrets: ReturnType<typeof secret>[]) =>
  secretUses(secrets, { tokenSeconds: 100, knownUntil: now * second, now: now * second });

test.each([
  ['just rotated, and neither is used', 1_001, [secret(0, 900), secret(1_000, null)], 'unknown'],
  ['idle for as long as one likes', 999_999, [secret(0, 900), secret(1_000, null)], 'unknown'],
  ['idle, and never used at all', 999_999, [secret(0, null), secret(1_000, null)], 'unknown'],
  [
    'the new one is used, and a token of the old one may last',
    1_099,
    [secret(0, 900), secret(1_000, 1_050)],
    'unknown',
  ],
  ['a token lifetime after the rotation', 1_100, [secret(0, 900), secret(1_000, 1_050)], 'unused'],
  ['used after the rotation', 1_010, [secret(0, 1_005), secret(1_000, 1_006)], 'in_use'],
  ['used after the rotation, and the new one is not', 1_010, [secret(0, 1_005), secret(1_000, null)], 'in_use'],
  ['both used, a token lifetime after the old one', 1_105, [secret(0, 1_005), secret(1_000, 1_006)], 'unused'],
  ['the new one is never used, and the old one stopped', 9_000, [secret(0, 1_005), secret(1_000, null)], 'unknown'],
  ['expired', 1_200, [secret(0, 1_199, 1_200), secret(1_000, null)], 'expired'],
  ['the newest', 1_000, [secret(0, null)], 'current'],
] as const)('%s', (_case, now, secrets, expected) => {
  expect(at(now, ...secrets)[0]).toBe(expected);
});

test('of three, each older one is judged by itself', () => {
  expect(at(2_100, secret(0, 500), secret(1_000, 2_050), secret(2_000, 2_010))).toEqual([
    'unused',
    'in_use',
    'current',
  ]);
});
