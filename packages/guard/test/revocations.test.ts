/** A guard that follows a revocation feed, whether the feed behaves well or not. */

import { createClock, type TestClock } from '@postern/testing/clock';
import { answerJson } from '@postern/testing/document-server';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { now } from '../fixtures/tokens.ts';
import { type ApiGuard, createApiGuard, type Fetch, type RevocationOptions } from '../src/index.ts';
import { serveFeed, type TestFeed } from './feed.ts';
import { startIssuer, type TestIssuer } from './issuer.ts';

const feedFetch: Fetch = (url, init) =>
  fetch(url, { ...init, headers: { ...(init?.headers as object), authorization: 'Bearer feed' } });

let issuer: TestIssuer;
let feed: TestFeed;
let clock: TestClock;
let faults: string[];
let guards: ApiGuard[];

beforeEach(async () => {
  issuer = await startIssuer();
  feed = serveFeed(issuer);
  clock = createClock(now * 1000);
  // The wall clock of the guard jumps, not that of the issuer.
  feed.now = () => now * 1000 + clock.monotonic();
  faults = [];
  guards = [];
});
afterEach(async () => {
  await Promise.all(guards.map((guard) => guard.close()));
  await issuer.close();
});

function guardOf(revocations: Partial<RevocationOptions> = {}): ApiGuard {
  const heard = faults;
  const guard = createApiGuard({
    issuer: issuer.url,
    audience: 'https://api.example.com',
    now: clock.now,
    monotonic: clock.monotonic,
    onFault: (fault) => heard.push(fault.message),
    revocations: { fetch: feedFetch, ...revocations },
  });
  guards.push(guard);
  return guard;
}

/** The outcome of a call with a token that has these claims. */
const outcome = (guard: ApiGuard, claims: object = {}) =>
  guard
    .authorize(
      {
        method: 'GET',
        path: '/policy',
        authorization: `Bearer ${issuer.token({ exp: clock.now() / 1000 + 3_600, ...claims })}`,
        dpop: undefined,
        certificateThumbprint: undefined,
      },
      '',
    )
    .then(
      () => 'passed',
      ({ reason }) => reason,
    );

/** Resolves when the guards have received all entries of the feed and wait for more. */
const followed = () => vi.waitFor(() => expect(feed.waiting()).toBe(guards.length));

const client = { type: 'client', client_id: 'client', active: true, gen: 3, gen_exact: false };
const lists = {
  scopes: ['policy:read', 'rule:read'],
  resources: ['https://api.example.com'],
  authorization_details_types: ['payment'],
};

describe('an entry of the feed', () => {
  const held = { authorization_details: [{ type: 'payment' }] };

  test.each<[string, object, string]>([
    ['the token', { type: 'token', jti: 'a7f1', exp: 1_800_003_600 }, 'token_revoked'],
    ['another token', { type: 'token', jti: 'b', exp: 1_800_003_600 }, 'passed'],
    ['its client, deleted', { type: 'client', client_id: 'client', active: false }, 'client_unknown'],
    ['another client, deleted', { type: 'client', client_id: 'other', active: false }, 'passed'],
    ['its client, unchanged', { ...client, ...lists }, 'passed'],
    ['an older generation', { ...client, ...lists, gen: 2 }, 'passed'],
    ['a newer generation', { ...client, ...lists, gen: 4 }, 'generation_old'],
    ['the same generation, exactly', { ...client, gen_exact: true }, 'passed'],
    ['all tokens of earlier generations', { type: 'all_tokens', gen: 4 }, 'generation_old'],
    ['all tokens of generations before that of the token', { type: 'all_tokens', gen: 3 }, 'passed'],
    ['another generation, exactly', { ...client, gen: 2, gen_exact: true }, 'generation_old'],
    ['fewer scopes', { ...client, ...lists, scopes: ['policy:read'] }, 'scope_withdrawn'],
    ['no resources', { ...client, ...lists, resources: [] }, 'resource_withdrawn'],
    ['no details', { ...client, ...lists, authorization_details_types: [] }, 'details_type_withdrawn'],
  ])('%s', async (_, entry, expected) => {
    const guard = guardOf();
    await guard.start();
    await followed();
    expect(await outcome(guard, held)).toBe('passed');
    feed.publish(entry);
    await followed();
    expect(await outcome(guard, held)).toBe(expected);
  });

  test('replaces an earlier one', async () => {
    const guard = guardOf();
    await guard.start();
    feed.publish({ type: 'client', client_id: 'client', active: false });
    await followed();
    feed.publish({ ...client, ...lists, gen: 4 });
    await followed();
    expect([await outcome(guard), await outcome(guard, { gen: 4 })]).toEqual(['generation_old', 'passed']);
  });

  test('RFC 8693 revokes what was exchanged for a token that it revokes', async () => {
    const parent_tokens = [
      { jti: 'first', kid: 'older', client_id: 'first', gen: 0, aud: ['https://api.example.com'] },
    ];
    const guard = guardOf();
    await guard.start();
    expect(await outcome(guard, { parent_tokens })).toBe('passed');
    feed.publish({ type: 'token', jti: 'first', exp: 1_800_003_600 });
    await followed();
    expect([await outcome(guard, { parent_tokens }), await outcome(guard)]).toEqual(['token_revoked', 'passed']);
    feed.publish({ type: 'client', client_id: 'second', active: false });
    await followed();
    const second = [{ ...parent_tokens[0], jti: 'second', client_id: 'second' }];
    expect(await outcome(guard, { parent_tokens: second })).toBe('client_unknown');
    feed.publish({ type: 'all_tokens', gen: 1 });
    await followed();
    const third = [{ ...parent_tokens[0], jti: 'third', client_id: 'third' }];
    expect(await outcome(guard, { parent_tokens: third })).toBe('generation_old');
  });

  test('RFC 8693 a revoked key revokes what was exchanged for a token that it signed', async () => {
    const parent_tokens = [
      { jti: 'first', kid: 'leaked', client_id: 'first', gen: 0, aud: ['https://api.example.com'] },
    ];
    const guard = guardOf();
    await guard.start();
    expect(await outcome(guard, { parent_tokens })).toBe('passed');
    feed.publish({ type: 'signing_key', kid: 'leaked' });
    await followed();
    expect([await outcome(guard, { parent_tokens }), await outcome(guard)]).toEqual(['key_revoked', 'passed']);
  });
});

describe('following', () => {
  test('continues at the cursor of the last answer, and waits for news', async () => {
    const guard = guardOf({ maxStalenessSeconds: 30 });
    await guard.start();
    feed.publish({ type: 'token', jti: 'x', exp: 1_800_003_600 });
    await followed();
    feed.publish({ type: 'token', jti: 'y', exp: 1_800_003_600 });
    await followed();
    expect(feed.asked).toEqual([
      { wait: '0', nonce: expect.any(String) },
      { wait: '10', cursor: '1.0' },
      { wait: '10', cursor: '1.1' },
      { wait: '10', cursor: '1.2' },
    ]);
  });

  test('a snapshot of several pages applies when it is complete', async () => {
    feed.publish({ type: 'token', jti: 'a7f1', exp: 1_800_003_600 });
    const guard = guardOf();
    await guard.start();
    await followed();
    feed.pageSize = 1;
    let answers = 0;
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    // The second page of three is delayed.
    feed.instead = (request, response) => {
      answers += 1;
      const page = (cursor: string, more: boolean, jti: string) =>
        feed.send(request, response, {
          cursor,
          snapshot: cursor === 'one',
          more,
          lag_seconds: 0,
          entries: [{ type: 'token', jti, exp: 1_800_003_600 }],
        });
      if (answers === 1) {
        page('one', true, 'b');
        first.resolve();
      } else if (answers === 2) {
        void second.promise.then(() => page('two', true, 'c'));
      } else {
        feed.instead = undefined;
        page('1.1', false, 'd');
      }
    };
    feed.release();
    await first.promise;
    await vi.waitFor(() => expect(answers).toBe(2));
    expect([await outcome(guard), await outcome(guard, { jti: 'b' })]).toEqual(['token_revoked', 'passed']);
    second.resolve();
    await followed();
    const after = [await outcome(guard), ...(await Promise.all(['b', 'c', 'd'].map((jti) => outcome(guard, { jti }))))];
    expect(after).toEqual(Array(4).fill('token_revoked'));
  });

  test('a feed that does not know the cursor sends a snapshot', async () => {
    feed.publish({ type: 'token', jti: 'a7f1', exp: 1_800_003_600 });
    const guard = guardOf();
    await guard.start();
    await followed();
    feed.replace({ type: 'token', jti: 'b', exp: 1_800_003_600 });
    await followed();
    expect([await outcome(guard), await outcome(guard, { jti: 'b' })]).toEqual(['token_revoked', 'token_revoked']);
    expect([await outcome(guard, { jti: 'c' }), faults.length]).toEqual(['passed', 1]);
  });

  test('starts over when it has many entries, since the feed forgets without reporting it', async () => {
    const guard = guardOf();
    await guard.start();
    await followed();
    feed.pageSize = 20_000;
    feed.publish(...Array.from({ length: 10_001 }, (_, i) => ({ ...client, client_id: `c${i}` })));
    await vi.waitFor(() => expect(feed.asked.slice(1)).toContainEqual({ wait: '0' }));
  });

  test('after any changes, from any cursor, a follower knows the same as a new one', async () => {
    const jtis = ['a', 'b', 'c'];
    const clients = ['client', 'other'];
    const entry = fc.oneof(
      fc.record({ type: fc.constant('token'), jti: fc.constantFrom(...jtis), exp: fc.constant(1_800_003_600) }),
      fc.record({
        type: fc.constant('client'),
        client_id: fc.constantFrom(...clients),
        active: fc.constant(false),
      }),
      fc.record({
        type: fc.constant('client'),
        client_id: fc.constantFrom(...clients),
        active: fc.constant(true),
        gen: fc.integer({ min: 2, max: 4 }),
        gen_exact: fc.boolean(),
        scopes: fc.subarray(['policy:read', 'rule:read']),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(entry, { minLength: 1, maxLength: 4 }), { maxLength: 4 }), async (changes) => {
        feed.replace();
        feed.pageSize = 2;
        guards = [];
        const old = guardOf();
        await old.start();
        for (const change of changes) {
          feed.publish(...change);
        }
        await followed();
        const fresh = guardOf();
        await fresh.start();
        await followed();
        for (const jti of jtis) {
          for (const client_id of clients) {
            expect(await outcome(old, { jti, client_id })).toBe(await outcome(fresh, { jti, client_id }));
          }
        }
        await Promise.all([old.close(), fresh.close()]);
      }),
      { numRuns: 25 },
    );
    guards = [];
  });

  test('close ends a pending request', async () => {
    const guard = guardOf();
    await guard.start();
    await followed();
    await guard.close();
    await vi.waitFor(() => expect(feed.waiting()).toBe(0));
    expect(feed.asked).toHaveLength(2);
    expect(faults).toEqual([]);
  });
});

describe('an issuer that has lost changes', () => {
  const of = (guard: ApiGuard, over: object) => outcome(guard, { client_id: 'client', gen: 3, ...over });
  const iat = () => clock.now() / 1000;

  test('what it no longer knows of tokens and clients holds for tokens of that time, and not for later ones', async () => {
    feed.publish(
      { type: 'token', jti: 'revoked', exp: 1_800_003_600, client_id: 'other', gen: 2 },
      { type: 'client', client_id: 'client', active: false },
      { type: 'all_tokens', gen: 2 },
      { type: 'signing_key', kid: 'leaked' },
    );
    const guard = guardOf();
    await guard.start();
    await followed();
    const before = iat();
    feed.replace({ ...client, ...lists, gen: 1 });
    await followed();
    expect(faults).toEqual([expect.stringContaining('has lost changes')]);
    expect(faults[0]).toContain('1 revoked tokens that it no longer knows');
    expect(await outcome(guard, { client_id: 'other', gen: 2, jti: 'revoked' })).toBe('token_revoked');
    expect(await of(guard, { iat: before })).toBe('client_unknown');
    expect(await outcome(guard, { client_id: 'third', gen: 1, iat: before })).toBe('generation_old');
    await clock.advance(60);
    expect(await of(guard, { iat: iat() })).toBe('passed');
    expect(await outcome(guard, { client_id: 'third', gen: 1, iat: iat() })).toBe('passed');
    const parent = { jti: 'revoked', kid: 'x', client_id: 'other', gen: 0, aud: ['https://api.example.com'] };
    expect(await of(guard, { iat: iat(), parent_tokens: [parent] })).toBe('token_revoked');
    expect(await of(guard, { iat: iat(), parent_tokens: [{ ...parent, jti: 'y', kid: 'leaked' }] })).toBe(
      'key_revoked',
    );
  });

  test('and loses them again: both times hold', async () => {
    feed.publish({ type: 'client', client_id: 'client', active: false });
    const guard = guardOf();
    await guard.start();
    await followed();
    const first = iat();
    feed.replace();
    await followed();
    await clock.advance(60);
    feed.publish({ type: 'client', client_id: 'other', active: false });
    await followed();
    feed.replace();
    await followed();
    expect(await outcome(guard, { client_id: 'client', iat: first })).toBe('client_unknown');
    expect(await outcome(guard, { client_id: 'client', iat: iat() })).toBe('passed');
    expect(await outcome(guard, { client_id: 'other', iat: iat() })).toBe('client_unknown');
  });

  test('a token that a node with a fast clock issued before the loss is judged by what was lost', async () => {
    const guard = guardOf();
    await guard.start();
    const fast = { client_id: 'client', iat: iat() + 120 };
    expect(await outcome(guard, fast)).toBe('passed');
    feed.publish({ type: 'client', client_id: 'client', active: false });
    await followed();
    expect(await outcome(guard, fast)).toBe('client_unknown');
    feed.replace();
    await followed();
    expect(await outcome(guard, fast)).toBe('client_unknown');
    expect(await outcome(guard, { client_id: 'client', iat: iat() + 119 })).toBe('client_unknown');
    expect(await outcome(guard, { client_id: 'client', iat: iat() + 121 })).toBe('passed');
  });

  test('and a clock that the feed itself has shown counts as well', async () => {
    feed.now = () => clock.now() + 120_000;
    feed.publish({ type: 'client', client_id: 'client', active: false });
    const guard = guardOf();
    await guard.start();
    await followed();
    feed.now = clock.now;
    feed.replace();
    await followed();
    expect(await outcome(guard, { client_id: 'client', iat: iat() + 110 })).toBe('client_unknown');
  });

  test('too much of it is replaced by one time: tokens that were issued before are rejected', async () => {
    feed.publish(...Array.from({ length: 600 }, (_, index) => ({ ...client, client_id: `client ${index}`, gen: 4 })));
    const guard = guardOf({ maxEntries: 1_000 });
    await guard.start();
    await followed();
    const before = iat();
    feed.replace(...Array.from({ length: 600 }, (_, index) => ({ ...client, client_id: `client ${index}`, gen: 2 })));
    await followed();
    expect(await outcome(guard, { client_id: 'client 5', gen: 3, iat: before })).toBe('token_revoked');
    await clock.advance(60);
    expect(await outcome(guard, { client_id: 'client 5', gen: 3, iat: iat() })).toBe('passed');
  });

  test('a revoked token is remembered until it has expired for a day, by clocks that agree', async () => {
    const guard = guardOf();
    await guard.start();
    feed.publish({ type: 'token', jti: 'revoked', exp: clock.now() / 1000 + 600 });
    await followed();
    clock.jump(7 * 86_400);
    feed.publish({ type: 'token', jti: 'x', exp: clock.now() / 1000 + 600 });
    await followed();
    clock.jump(-7 * 86_400);
    expect(await outcome(guard, { jti: 'revoked' })).toBe('token_revoked');
  });
});

describe('a feed that one client fills', () => {
  const tokensOf = (client_id: string, count: number, over: object = {}) =>
    Array.from({ length: count }, (_, index) => ({
      type: 'token',
      jti: `${client_id}-${index}`,
      exp: 1_800_003_600,
      client_id,
      gen: 0,
      ...over,
    }));

  test('shuts out nobody else: no revoked token is accepted, and only that client needs new tokens', async () => {
    const guard = guardOf({ maxEntries: 1_000 });
    await guard.start();
    feed.publish(...tokensOf('innocent', 50), ...tokensOf('flooder', 700));
    await followed();
    expect(faults).toEqual([]);
    feed.publish(...tokensOf('flooder', 1_000));
    await followed();
    expect(faults).toEqual([expect.stringMatching(/fill \d+ of 1000 entries/)]);
    // More than one entry for each token would take.
    for (let index = 0; index < 5; index += 1) {
      feed.publish(
        ...tokensOf('flooder', 900, { jti: undefined }).map((entry, at) => ({ ...entry, jti: `${index}-${at}` })),
      );
      await followed();
    }
    expect(guard.revocationLagSeconds()).toBe(0);
    const of = (client_id: string, jti: string, over: object = {}) =>
      outcome(guard, { client_id, jti, gen: 0, ...over });
    expect(await of('innocent', 'innocent-7')).toBe('token_revoked');
    expect([await of('innocent', 'a'), await outcome(guard)]).toEqual(['passed', 'passed']);
    expect([await of('flooder', 'flooder-7'), await of('flooder', '0-7'), await of('flooder', 'a')]).toEqual(
      Array(3).fill('token_revoked'),
    );
    clock.advance(10);
    expect(await of('flooder', 'new', { iat: clock.now() / 1000 })).toBe('passed');
    expect(await of('flooder', 'flooder-7')).toBe('token_revoked');
    const parent = { jti: 'flooder-7', kid: 'older', client_id: 'flooder', gen: 0, aud: ['https://api.example.com'] };
    expect(await outcome(guard, { parent_tokens: [parent] })).toBe('token_revoked');
  });

  test('drops what the end of the client covers, and never what it does not', async () => {
    const guard = guardOf({ maxEntries: 1_000 });
    await guard.start();
    for (let gen = 0; gen < 20; gen += 1) {
      const tokens = tokensOf('flooder', 500, { gen }).map((entry, index) => ({ ...entry, jti: `${gen}-${index}` }));
      feed.publish(...tokens, { ...client, client_id: 'flooder', gen: gen + 1 });
    }
    feed.publish(...tokensOf('other', 1, { jti: 'kept', gen: 5 }), { ...client, client_id: 'other', gen: 5 });
    await followed();
    expect(faults).toEqual([]);
    expect(await outcome(guard, { client_id: 'flooder', gen: 19, jti: '19-3' })).toBe('generation_old');
    expect(await outcome(guard, { client_id: 'flooder', gen: 20, jti: 'new' })).toBe('passed');
    expect(await outcome(guard, { client_id: 'other', gen: 5, jti: 'kept' })).toBe('token_revoked');
  });

  test('with too many changed clients is given up at the first entry that is too much', async () => {
    const guard = guardOf({ maxEntries: 1_000 });
    await guard.start();
    const searches = vi.spyOn(Array.prototype, 'sort');
    const many = Array.from({ length: 1_900 }, (_, index) => ({ ...client, client_id: `client ${index}` }));
    feed.publish(...many);
    await vi.waitFor(() => expect(faults).toContainEqual(expect.stringMatching(/more than 1000 entries/)));
    expect(searches.mock.calls.length).toBeLessThan(10);
    searches.mockRestore();
  });

  test('a token of root is dropped only when it has expired', async () => {
    const guard = guardOf();
    await guard.start();
    const root = { type: 'client', client_id: 'root', active: true, gen: 7, gen_exact: true };
    feed.publish({ type: 'token', jti: 'a', exp: 1_800_003_600 }, { ...root, active: false, gen: 8 }, root);
    await followed();
    expect(await outcome(guard, { client_id: 'root', gen: 7, jti: 'a' })).toBe('token_revoked');
    expect(await outcome(guard, { client_id: 'root', gen: 7, jti: 'b' })).toBe('passed');
  });

  test.each([0, 999, Number.NaN])('maxEntries: %d is invalid', (maxEntries) => {
    expect(() => guardOf({ maxEntries })).toThrow(/maxEntries/);
  });
});

describe('an unreachable feed', () => {
  const down = (_request: unknown, response: import('node:http').ServerResponse) => answerJson(response, 503, {});

  test('closed: calls get 503 when the lag is too long, and are accepted again when it is not', async () => {
    const guard = guardOf({ maxStalenessSeconds: 30 });
    await guard.start();
    await followed();
    feed.instead = down;
    feed.release();
    await vi.waitFor(() => expect(faults).toContainEqual(expect.stringMatching(/answered 503/)));
    clock.advance(30);
    expect([await outcome(guard), guard.revocationLagSeconds()]).toEqual(['passed', 30]);
    clock.advance(0.001);
    expect(await outcome(guard)).toBe('revocations_stale');
    feed.instead = undefined;
    await vi.waitFor(async () => expect(await outcome(guard)).toBe('passed'), { timeout: 10_000 });
    expect(guard.revocationLagSeconds()).toBe(0);
  });

  test('an answer that was held up on its way does not make old news new', async () => {
    const guard = guardOf();
    await guard.start();
    await followed();
    clock.advance(100);
    feed.instead = down;
    feed.release();
    await vi.waitFor(() => expect(faults).toContainEqual(expect.stringMatching(/answered 503/)));
    expect(await outcome(guard)).toBe('revocations_stale');
    // The feed had to answer after 20 seconds.
    expect(guard.revocationLagSeconds()).toBe(80);
    feed.instead = undefined;
    await vi.waitFor(async () => expect(await outcome(guard)).toBe('passed'), { timeout: 10_000 });
  });

  test('a node whose clock was set back is believed, since it signs the nonce', async () => {
    const guard = guardOf({ maxStalenessSeconds: 10 });
    await guard.start();
    await followed();
    const right = feed.now;
    feed.now = () => right() - 120_000;
    feed.publish({ type: 'token', jti: 'revoked', exp: 1_800_003_600 });
    await vi.waitFor(() => expect(feed.asked.at(-1)).not.toHaveProperty('nonce'));
    await followed();
    expect([await outcome(guard), await outcome(guard, { jti: 'revoked' })]).toEqual(['passed', 'token_revoked']);
    expect(guard.revocationLagSeconds()).toBe(0);
    expect(feed.asked.at(-2)).toMatchObject({ wait: '0', nonce: expect.stringMatching(/^[\w-]{16,64}$/) });
    // From now on it knows what time that node has.
    const asked = feed.asked.length;
    feed.release();
    await vi.waitFor(() => expect(feed.asked.length).toBe(asked + 1));
    await followed();
    expect(feed.asked.at(-1)).toEqual({ wait: '3', cursor: '1.1' });
    expect(faults).toEqual([expect.stringContaining('had signed 115 seconds before')]);
  });

  test.each([
    ['without the nonce', ''],
    ['with the nonce of another question', '&nonce=0000000000000000'],
  ])('an answer that is sent again, %s, makes nothing new', async (_, nonce) => {
    const guard = guardOf({ maxStalenessSeconds: 10 });
    await guard.start();
    await followed();
    const recordedAt = feed.now();
    feed.now = () => recordedAt;
    feed.instead = (request, response) => {
      request.url = request.url?.replace(/&nonce=[^&]*/, nonce);
      feed.send(request, response, { cursor: '1.0', snapshot: false, more: false, lag_seconds: 0, entries: [] });
    };
    clock.advance(20);
    const asked = feed.asked.length;
    feed.release();
    await vi.waitFor(() => expect(feed.asked.length).toBeGreaterThan(asked + 2), { timeout: 10_000 });
    expect(feed.asked.at(-1)).toHaveProperty('nonce');
    expect(await outcome(guard)).toBe('revocations_stale');
    expect(guard.revocationLagSeconds()).toBeGreaterThanOrEqual(15);
  });

  test('after an answer that was held up, the next request does not wait for news', async () => {
    const guard = guardOf();
    await guard.start();
    await followed();
    clock.advance(100);
    feed.release();
    await vi.waitFor(() => expect(guard.revocationLagSeconds()).toBe(0));
    await followed();
    expect(feed.asked.slice(-2).map(({ wait }) => wait)).toEqual(['0', '20']);
    expect(faults).toEqual([]);
  });

  test('open: tokens are checked against the known revocations', async () => {
    feed.publish({ type: 'token', jti: 'revoked', exp: 1_800_099_999 });
    const guard = guardOf({ maxStalenessSeconds: 2, whenStale: 'open' });
    await guard.start();
    await followed();
    clock.advance(3_000);
    expect([await outcome(guard), await outcome(guard, { jti: 'revoked' })]).toEqual(['passed', 'token_revoked']);
  });

  test('a revoked token is invalid_token, one that cannot be checked is 503', async () => {
    feed.publish({ type: 'token', jti: 'revoked', exp: 1_800_099_999 });
    const guard = guardOf({ maxStalenessSeconds: 30 });
    await guard.start();
    clock.advance(31);
    expect([await outcome(guard), await outcome(guard, { jti: 'revoked' })]).toEqual([
      'revocations_stale',
      'token_revoked',
    ]);
  });

  test('the lag of the node counts', async () => {
    feed.lagSeconds = 31;
    const guard = guardOf({ maxStalenessSeconds: 30 });
    await guard.start();
    expect([await outcome(guard), guard.revocationLagSeconds()]).toEqual(['revocations_stale', 31]);
  });

  test.each([-3_600, 20])('a wall clock that jumps by %d seconds does not change the lag', async (seconds) => {
    const guard = guardOf({ maxStalenessSeconds: 10 });
    await guard.start();
    await followed();
    clock.jump(seconds);
    expect([await outcome(guard), guard.revocationLagSeconds()]).toEqual(['passed', 0]);
    clock.advance(11);
    expect([await outcome(guard), guard.revocationLagSeconds()]).toEqual(['revocations_stale', 11]);
  });

  test('the first call begins to follow, and waits for the first answer', async () => {
    feed.publish({ type: 'token', jti: 'revoked', exp: 1_800_003_600 });
    const guard = guardOf();
    expect(guard.revocationLagSeconds()).toBe(Number.POSITIVE_INFINITY);
    expect(await Promise.all([outcome(guard, { jti: 'revoked' }), outcome(guard)])).toEqual([
      'token_revoked',
      'passed',
    ]);
  });

  test('start rejects with the reason why there is no first answer', async () => {
    const guard = guardOf({ fetch });
    await expect(guard.start()).rejects.toThrow(/Cannot follow .*answered 401/);
    await guard.close();
    await expect(guard.start()).rejects.toThrow();
  });

  test('a malformed answer changes nothing, and is requested again', async () => {
    feed.publish({ type: 'token', jti: 'revoked', exp: 1_800_003_600 });
    const guard = guardOf();
    await guard.start();
    await followed();
    const good = { cursor: 'c', snapshot: true, more: false, lag_seconds: 0, entries: [] };
    const bad: unknown[] = [
      null,
      [],
      {},
      { ...good, cursor: 5 },
      { ...good, snapshot: undefined },
      { ...good, more: true },
      { ...good, lag_seconds: -1 },
      { ...good, entries: {} },
      { ...good, entries: [null] },
      { ...good, entries: [{ type: 'other', kid: 'x' }] },
      { ...good, entries: [{ type: 'signing_key', kid: 5 }] },
      { ...good, entries: [{ type: 'token', jti: 'x' }] },
      { ...good, entries: [{ type: 'token', jti: 'x', exp: 1, client_id: 'x' }] },
      { ...good, entries: [{ type: 'token', jti: 'x', exp: 1, client_id: 'x', gen: '1' }] },
      { ...good, entries: [{ type: 'client', client_id: 'x' }] },
      { ...good, entries: [{ ...client, gen: '3' }] },
      { ...good, entries: [{ ...client, scopes: 'all' }] },
    ];
    for (const body of bad) {
      const isAnswered = Promise.withResolvers<void>();
      feed.instead = (request, response) => {
        feed.instead = undefined;
        feed.send(request, response, body);
        isAnswered.resolve();
      };
      feed.release();
      await isAnswered.promise;
      await followed();
      expect(await outcome(guard, { jti: 'revoked' })).toBe('token_revoked');
    }
    expect(faults.length, faults.join('\n')).toBe(bad.length);
    expect(feed.asked.at(-1)).toEqual({ wait: '20', cursor: '1.1' });
  }, 60_000);

  test.each([1, 0, Number.NaN])('maxStalenessSeconds: %d is invalid', (maxStalenessSeconds) => {
    expect(() => guardOf({ maxStalenessSeconds })).toThrow(/maxStalenessSeconds/);
  });
});
