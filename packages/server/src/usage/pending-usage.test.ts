/** Counting in memory: nothing is lost or counted twice, however the scopes of tokens are combined. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  countsByScope,
  emptyUsage,
  type PendingUsage,
  recordAgain,
  recordOutcome,
  recordSecret,
  recordTokens,
} from './pending-usage.ts';

/** Long names, so that a few tokens fill what is kept apart for one client. */
const names = Array.from({ length: 12 }, (_, index) => `${String.fromCharCode(97 + index).repeat(2_000)}`);
const tokens = fc.array(
  fc.record({
    client: fc.constantFrom('one', 'two'),
    scopes: fc.subarray(names),
    at: fc.nat(1_000_000),
  }),
  { maxLength: 60 },
);

/** What the counts must come to, worked out the slow way. */
function expected(all: readonly { client: string; scopes: readonly string[]; at: number }[]) {
  return Object.fromEntries(
    [...new Set(all.map(({ client }) => client))].map((client) => {
      const own = all.filter((token) => token.client === client);
      const countOf = (some: typeof own) => ({
        tokensIssued: some.length,
        lastIssuedAt: Math.max(...some.map(({ at }) => at)),
      });
      const held = names.filter((name) => own.some(({ scopes }) => scopes.includes(name)));
      return [
        client,
        {
          ...countOf(own),
          scopes: Object.fromEntries(
            held.map((name) => [name, countOf(own.filter(({ scopes }) => scopes.includes(name)))]),
          ),
        },
      ];
    }),
  );
}

function countsOf({ clients }: PendingUsage) {
  return Object.fromEntries(
    [...clients].map(([id, client]) => [
      id,
      {
        tokensIssued: client.tokensIssued,
        lastIssuedAt: client.lastIssuedAt,
        scopes: Object.fromEntries(countsByScope(client)),
      },
    ]),
  );
}

test('tokens are counted by client and by scope, also over a write that failed', () => {
  fc.assert(
    fc.property(tokens, tokens, (before, after) => {
      const [failed, pending] = [emptyUsage(), emptyUsage()];
      for (const [some, into] of [
        [before, failed],
        [after, pending],
      ] as const) {
        for (const { client, scopes, at } of some) {
          recordTokens(into, client, scopes.join(' '), { tokensIssued: 1, lastIssuedAt: at });
        }
      }
      recordAgain(pending, failed);
      expect(countsOf(pending)).toEqual(expected([...before, ...after]));
    }),
  );
});

test('what is kept for one client does not grow with the combinations that it asks for', () => {
  const pending = emptyUsage();
  for (let i = 0; i < 4_096; i += 1) {
    const scopes = names.filter((_, bit) => (i & (1 << bit)) !== 0).join(' ');
    recordTokens(pending, 'one', scopes, { tokensIssued: 1, lastIssuedAt: i });
  }
  const kept = [...(pending.clients.get('one')?.byScopes.keys() ?? [])].join('').length;
  expect(kept).toBeLessThan(150_000);
});

test('outcomes are kept by hour, and of the uses of a secret the last', () => {
  const [failed, pending] = [emptyUsage(), emptyUsage()];
  recordOutcome(failed, 'issued', 1, 3_600_000);
  recordOutcome(pending, 'issued', 1, 7_199_999);
  recordOutcome(pending, 'secret_wrong', 1, 7_200_000);
  recordSecret(failed, 'a', 7);
  recordSecret(failed, 'b', 5);
  recordSecret(pending, 'a', 6);
  recordAgain(pending, failed);
  expect(pending.hours).toEqual(
    new Map([
      [1, new Map([['issued', 2]])],
      [2, new Map([['secret_wrong', 1]])],
    ]),
  );
  expect(pending.secrets).toEqual(
    new Map([
      ['a', 7],
      ['b', 5],
    ]),
  );
});
