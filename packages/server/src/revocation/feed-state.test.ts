import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FeedEntry } from './feed-entry.ts';
import { FeedState } from './feed-state.ts';

const token = (jti: string, exp = 10_000): FeedEntry => ({ type: 'token', jti, exp });
const ended = (clientId: string): FeedEntry => ({ type: 'client', clientId, active: false });
const client = (clientId: string, gen: number): FeedEntry => ({
  type: 'client',
  clientId,
  active: true,
  gen,
  genExact: false,
  scopes: [],
  resources: [],
  authorizationDetailsTypes: [],
});

/** A state that took the entries in one after the other, each with the next sequence number; undefined stands for other events. */
function stateOf(...entries: (FeedEntry | undefined)[]): FeedState {
  const state = new FeedState();
  entries.forEach((entry, index) => {
    state.add(index + 1, 1_000, entry);
  });
  return state;
}

describe('the feed', () => {
  test('tells the latest entry of each subject, in the order of the log', () => {
    const state = stateOf(client('a', 0), token('t'), undefined, client('b', 0), client('a', 1), undefined);
    expect(state.read(0, 10)).toEqual({
      entries: [token('t'), client('b', 0), client('a', 1)],
      sequence: 6,
      more: false,
    });
    expect(state.read(4, 10).entries).toEqual([client('a', 1)]);
    expect(state.read(6, 10)).toEqual({ entries: [], sequence: 6, more: false });
  });

  test('keeps a token and a client of the same name apart', () => {
    expect(stateOf(token('a'), ended('a')).read(0, 10).entries).toEqual([token('a'), ended('a')]);
  });

  test('returns no more than the limit, and where to continue', () => {
    const state = stateOf(token('a'), undefined, token('b'), token('c'), undefined);
    expect(state.read(0, 2)).toEqual({ entries: [token('a'), token('b')], sequence: 3, more: true });
    expect(state.read(3, 2)).toEqual({ entries: [token('c')], sequence: 5, more: false });
  });

  test('drops the tokens of a client that its end or a later generation covers, and no other', () => {
    const of = (clientId: string, jti: string, gen: number): FeedEntry =>
      ({ ...token(jti), clientId, gen }) as FeedEntry;
    const tokens = [of('a', 'a0', 0), of('a', 'a1', 1), of('b', 'b0', 0), token('root')];
    const kept = (entry: FeedEntry) => {
      const state = stateOf(...tokens, entry);
      expect(state.size).toBe(state.read(0, 10).entries.length);
      return state.read(0, 10).entries;
    };
    expect(kept(client('a', 0))).toEqual([...tokens, client('a', 0)]);
    expect(kept(client('a', 1))).toEqual([...tokens.slice(1), client('a', 1)]);
    expect(kept(client('a', 2))).toEqual([...tokens.slice(2), client('a', 2)]);
    expect(kept(ended('a'))).toEqual([...tokens.slice(2), ended('a')]);
    const exact = { ...client('a', 9), genExact: true } as FeedEntry;
    expect(kept(exact)).toEqual([...tokens, exact]);
    expect(kept({ type: 'all_tokens', gen: 1 })).toEqual([tokens[1], tokens[3], { type: 'all_tokens', gen: 1 }]);
  });

  test('takes no event in twice', () => {
    const state = stateOf(client('a', 0), client('a', 1));
    state.add(1, 1_000, client('a', 0));
    expect(state.read(0, 10)).toEqual({ entries: [client('a', 1)], sequence: 2, more: false });
  });

  test('never sends a follower back that is ahead of it', () => {
    expect(stateOf(token('a')).read(7, 10)).toEqual({ entries: [], sequence: 7, more: false });
  });

  test('drops tokens after their expiry and clients after the longest lifetime, each ten minutes late', () => {
    const state = stateOf(token('t', 2_000), ended('a'));
    Array.from(state.forget(2_599, 1_001));
    expect(state.read(0, 10).entries).toEqual([token('t', 2_000), ended('a')]);
    Array.from(state.forget(2_600, 1_001));
    expect(state.read(0, 10).entries).toEqual([ended('a')]);
    Array.from(state.forget(2_601, 1_001));
    expect(state.read(0, 10)).toEqual({ entries: [], sequence: 2, more: false });
  });
});

/** What a follower knows after it has read entries. */
function apply(known: Map<string, FeedEntry>, entries: readonly FeedEntry[]): void {
  for (const entry of entries) {
    const { type } = entry;
    known.set(type === 'token' ? entry.jti : type === 'client' ? entry.clientId : type, entry);
  }
}

test('whatever is changed and whenever a follower reads, it ends where a fresh one starts', () => {
  const subject = fc.constantFrom('c1', 'c2', 'c3', 'c4');
  const entry = fc.oneof(
    fc.constant(undefined),
    fc.integer({ min: 0, max: 50 }).map((id) => token(`t${id}`)),
    subject.map(ended),
    fc.tuple(subject, fc.nat(9)).map(([id, gen]) => client(id, gen)),
  );
  // Each step is a change, or a read by the follower of that many entries.
  const step = fc.oneof(
    entry.map((change) => ({ change })),
    fc.integer({ min: 1, max: 5 }).map((limit) => ({ limit })),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 3_000, size: 'max' }), (steps) => {
      const state = new FeedState();
      const followed = new Map<string, FeedEntry>();
      const everything = new Map<string, FeedEntry>();
      let sequence = 0;
      let position = 0;
      const follow = (limit: number) => {
        const page = state.read(position, limit);
        apply(followed, page.entries);
        position = page.sequence;
        return page.more;
      };
      for (const one of steps) {
        if ('limit' in one) {
          follow(one.limit);
        } else {
          sequence += 1;
          state.add(sequence, 1_000, one.change);
          apply(everything, one.change === undefined ? [] : [one.change]);
        }
      }
      while (follow(3)) {}
      const fresh = new Map<string, FeedEntry>();
      apply(fresh, state.read(0, 10_000).entries);
      expect(followed).toEqual(everything);
      expect(fresh).toEqual(everything);
    }),
    { numRuns: 30 },
  );
});

test('whatever is added, replaced and forgotten in slices while a follower reads, no entry is missing and none is left that expired', () => {
  const subject = fc.constantFrom('c1', 'c2', 'c3', 'c4');
  const entry = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ id: fc.nat(80), exp: fc.nat(1_000) }).map(({ id, exp }) => token(`t${id}`, exp)),
    },
    fc.tuple(subject, fc.nat(9)).map(([id, gen]) => client(id, gen)),
  );
  const step = fc.oneof(
    { weight: 5, arbitrary: entry.map((change) => ({ change })) },
    { weight: 3, arbitrary: fc.constant({ slice: true }) },
    fc.nat(1_000).map((forgetAt) => ({ forgetAt })),
    fc.integer({ min: 1, max: 5 }).map((limit) => ({ limit })),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1_500, size: 'max' }), (steps) => {
      const state = new FeedState(3);
      const everything = new Map<string, FeedEntry>();
      const followed = new Map<string, FeedEntry>();
      let forgetting: Iterator<void> | undefined;
      let [sequence, position, forgotten] = [0, 0, 0];
      for (const one of steps) {
        if ('change' in one) {
          sequence += 1;
          state.add(sequence, 10_000, one.change);
          apply(everything, [one.change]);
        } else if ('forgetAt' in one) {
          forgotten = Math.max(forgotten, one.forgetAt);
          forgetting = state.forget(one.forgetAt + 600, 10_000);
        } else if ('slice' in one) {
          forgetting?.next();
        } else {
          const page = state.read(position, one.limit);
          apply(followed, page.entries);
          position = page.sequence;
        }
      }
      for (const _ of state.forget(forgotten + 600, 10_000)) {
        // To the end.
      }
      const live = new Map([...everything].filter(([, one]) => one.type !== 'token' || one.exp > forgotten));
      const fresh = new Map<string, FeedEntry>();
      apply(fresh, state.read(0, 10_000).entries);
      expect(fresh).toEqual(live);
      expect(state.size).toBe(live.size);
      apply(followed, state.read(position, 10_000).entries);
      for (const [id, one] of live) {
        expect(followed.get(id)).toEqual(one);
      }
      for (const [id, one] of everything) {
        if (one.type === 'token' && one.exp > forgotten) {
          expect(state.has(id)).toBe(true);
        }
      }
    }),
    { numRuns: 60 },
  );
});
