/** Counting tokens below those that they were exchanged for, in bounded memory. */
import { describe, expect, test } from 'vitest';
import {
  type ExchangedToken,
  emptyDescendants,
  forgetCounts,
  type PendingDescendants,
  recordDescendantsAgain,
  recordExchanged,
} from './pending-descendants.ts';

const resource = 'https://api.example.com';
const parent = (jti: string, clientId = 'portal') => ({ jti, clientId });
const token = (parents: ExchangedToken['parents'], clientId = 'agent'): ExchangedToken => ({
  ...{ clientId, resource, parents },
  expiresAt: 100,
});
const limits = { mostRows: 5, mostParents: 8 };

/** Tokens below each token, and those that are not counted below all. */
function countsOf({ ancestors, uncounted }: PendingDescendants) {
  const below = [...ancestors].map(([jti, { counts }]): [string, number] => [
    jti,
    [...counts.values()].reduce((sum, { tokensIssued }) => sum + tokensIssued, 0),
  ]);
  return { ...Object.fromEntries(below), uncounted: uncounted.tokensIssued };
}

describe('a token that was issued by exchange', () => {
  test('counts below each token behind it, and below each of their clients once', () => {
    const pending = emptyDescendants();
    recordExchanged(pending, token([parent('a'), parent('b', 'agent'), parent('c')]), limits);
    expect(countsOf(pending)).toEqual({ a: 1, b: 1, c: 1, uncounted: 0 });
    const belowClient = [...pending.ancestors.values()].map(({ clientId, counts }) => [
      clientId,
      ...[...counts.values()].map(({ tokensBelowClient }) => tokensBelowClient),
    ]);
    expect(belowClient).toEqual([
      ['portal', 1],
      ['agent', 1],
      ['portal', 0],
    ]);
  });

  test('takes no more memory than the limit, and what is missing is known', () => {
    const pending = emptyDescendants();
    for (let index = 0; index < 1_000; index += 1) {
      recordExchanged(pending, token([parent('a'), parent(`b${index}`)]), limits);
    }
    expect([pending.rows, pending.ancestors.size]).toEqual([5, 5]);
    // What is known already goes on being counted.
    expect(countsOf(pending)).toMatchObject({ a: 1_000, b0: 1, b3: 1, uncounted: 996 });
    expect(pending.uncounted.lastExpiresAt).toBe(100);
  });

  test('counts below the first of them alone if there is no room for all', () => {
    const pending = emptyDescendants();
    recordExchanged(pending, token([parent('a'), parent('b')]), { ...limits, mostParents: 1 });
    recordExchanged(pending, token([parent('a')]), { ...limits, mostParents: 1 });
    expect(countsOf(pending)).toEqual({ a: 2, uncounted: 1 });
  });
});

test('what could not be written is counted on, and what may have been written is said to be unknown', () => {
  const [pending, unwritten] = [emptyDescendants(), emptyDescendants()];
  recordExchanged(pending, token([parent('a')]), limits);
  recordExchanged(unwritten, token([parent('a'), parent('b')]), limits);
  forgetCounts(unwritten, new Map([...unwritten.ancestors].filter(([jti]) => jti === 'b')));
  recordDescendantsAgain(pending, unwritten, 5);
  expect(countsOf(pending)).toEqual({ a: 2, uncounted: 1 });
});
