/**
 * A guard that follows an event stream of shared signals instead of the feed, on Node and by Web Crypto, whether the stream behaves well
 * or not. docs/shared-signals.md, RFC 8417, RFC 8936, SSF 1.0.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { feedPageEvent, streamUpdatedEvent, verificationEvent } from '@postern/protocol';
import { createClock, type TestClock } from '@postern/testing/clock';
import { answerJson } from '@postern/testing/document-server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { now } from '../fixtures/tokens.ts';
import type * as guardLibrary from '../src/index.ts';
import type { ApiGuard, ApiGuardOptions, DocumentCache, Fetch, RevocationOptions } from '../src/index.ts';
import { startIssuer, type TestIssuer } from './issuer.ts';
import { bundle } from './runtimes/programs.ts';
import { type Poll, receiverId, type SetParts, serveStream, streamId, type TestStream } from './stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-stream-'));
const libraries: Record<string, typeof guardLibrary> = {};

beforeAll(async () => {
  libraries['Node'] = await import('../src/index.ts');
  const bundled = join(folder, 'guard.mjs');
  await bundle(fileURLToPath(new URL('../src/index.ts', import.meta.url)), bundled);
  libraries['Web Crypto'] = await import(bundled);
});
afterAll(() => rmSync(folder, { recursive: true }));

const streamFetch: Fetch = (url, init) =>
  fetch(url, { ...init, headers: { ...(init?.headers as object), authorization: 'Bearer stream' } });

let issuer: TestIssuer;
let stream: TestStream;
let clock: TestClock;
let faults: string[];
let guards: ApiGuard[];

beforeEach(async () => {
  issuer = await startIssuer();
  stream = serveStream(issuer);
  clock = createClock(now * 1000);
  stream.now = clock.now;
  faults = [];
  guards = [];
});
afterEach(async () => {
  await Promise.all(guards.map((guard) => guard.close()));
  await issuer.close();
});

const client = { type: 'client', client_id: 'client', active: true, gen: 3, gen_exact: false };
const token = (jti: string) => ({ type: 'token', jti, exp: 1_800_003_600 });

describe.each(['Node', 'Web Crypto'])('a guard on %s', (platform) => {
  function guardOf(revocations: Partial<RevocationOptions> = {}, over: Partial<ApiGuardOptions> = {}): ApiGuard {
    const heard = faults;
    const guard = (libraries[platform] as typeof guardLibrary).createApiGuard({
      issuer: issuer.url,
      audience: 'https://api.example.com',
      now: clock.now,
      monotonic: clock.monotonic,
      onFault: (fault) => heard.push(fault.message),
      revocations: { fetch: streamFetch, sharedSignals: { streamId, clientId: receiverId }, ...revocations },
      ...over,
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

  /** Resolves when the guard has all that the stream has, and waits for more. */
  const followed = () => vi.waitFor(() => expect(stream.waiting()).toBe(guards.length));

  /** A guard that knows that the token `revoked` is. */
  async function startGuard(revocations: Partial<RevocationOptions> = {}): Promise<ApiGuard> {
    stream.publish(token('revoked'));
    const guard = guardOf(revocations);
    await guard.start();
    await followed();
    return guard;
  }

  /** Answers the next poll with this, and resolves when the guard waits again. */
  async function answerOnce(answer: (poll: Poll, response: ServerResponse) => void): Promise<void> {
    const isAnswered = Promise.withResolvers<void>();
    stream.instead = (poll, response) => {
      stream.instead = undefined;
      answer(poll, response);
      isAnswered.resolve();
    };
    stream.release();
    await isAnswered.promise;
    await followed();
  }

  const answerSets = (setsOf: (poll: Poll) => unknown) =>
    answerOnce((poll, response) => answerJson(response, 200, { sets: setsOf(poll) }));

  test('begins with all that is revoked already, and learns of what is revoked later', async () => {
    const guard = await startGuard();
    expect([await outcome(guard, { jti: 'revoked' }), await outcome(guard)]).toEqual(['token_revoked', 'passed']);
    stream.publish({ type: 'client', client_id: 'client', active: false });
    await followed();
    expect(await outcome(guard)).toBe('client_unknown');
    stream.publish({ ...client, gen: 4 });
    await followed();
    expect([await outcome(guard), await outcome(guard, { gen: 4 })]).toEqual(['generation_old', 'passed']);
    expect(faults).toEqual([]);
  });

  test('RFC 8936 §2.4 acknowledges each page with the request for the next one', async () => {
    const guard = guardOf({ maxStalenessSeconds: 30 });
    await guard.start();
    await followed();
    stream.publish(token('a'));
    await followed();
    expect(stream.polls).toEqual([
      { ack: [], wait: 0, nonce: expect.stringMatching(/^[\w-]{16,64}$/) },
      { ack: ['page 0 1'], wait: 10 },
      { ack: ['page 1 2'], wait: 10 },
    ]);
  });

  /** A page that would undo what is known. */
  const undoing = { snapshot: true, entries: [] };
  const refused: readonly (readonly [
    name: string,
    parts: (stream: TestStream, poll: Poll) => SetParts,
    page?: object,
  ])[] = [
    ['RFC 8417 §2.2 of another issuer', () => ({ claims: { iss: 'https://other.example.com' } })],
    ['RFC 8417 §2.2 without an issuer', () => ({ claims: { iss: undefined } })],
    ['SSF 1.0 §4.1 for another receiver', () => ({ claims: { aud: 'other' } })],
    ['SSF 1.0 §4.1 for several receivers', () => ({ claims: { aud: [receiverId, 'other'] } })],
    ['of another stream', () => ({ claims: { sub_id: { format: 'opaque', id: 'other' } } })],
    ['about a client', () => ({ claims: { sub_id: { format: 'iss_sub', iss: issuer.url, sub: streamId } } })],
    ['RFC 8936 §2.3 under the id of another one', () => ({ claims: { jti: 'page 1 9' } })],
    ['RFC 8725 §3.11 of the type of access tokens', () => ({ header: { typ: 'at+jwt' } })],
    ['RFC 8725 §3.11 of the type JWT', () => ({ header: { typ: 'JWT' } })],
    ['RFC 8725 §3.11 without a type', () => ({ header: { typ: undefined } })],
    ['RFC 8725 §3.1 with the alg none', () => ({ header: { alg: 'none' } })],
    ['RFC 8725 §3.1 with another alg', () => ({ header: { alg: 'PS256' } })],
    ['of a key that signs tokens', () => ({ header: { kid: 'one' } })],
    ['of an unknown key', () => ({ header: { kid: 'other' } })],
    ['without a key', () => ({ header: { kid: undefined } })],
    ['signed with another key', ({ otherKey }) => ({ key: otherKey })],
    ['RFC 7515 §4.1.11 with a critical parameter', () => ({ header: { crit: ['b64'], b64: true } })],
    ['of an unknown kind of event', () => ({ claims: { events: { 'urn:other': {} } } })],
    [
      'of a standard event',
      () => ({ claims: { events: { 'https://schemas.openid.net/secevent/caep/event-type/session-revoked': {} } } }),
    ],
    ['RFC 8417 §2.2 without events', () => ({ claims: { events: undefined } })],
    ['RFC 8417 §2.2 with an event that is no object', () => ({ claims: { events: { [feedPageEvent]: null } } })],
    [
      'with two events',
      (_, { ack }) => ({
        claims: {
          events: { [feedPageEvent]: { after: ack[0], ...undoing, more: false, lag_seconds: 0 }, 'urn:other': {} },
        },
      }),
    ],
    ['that does not say when it was signed', () => ({ claims: { iat: undefined } })],
    ['that is the answer to another acknowledgment', () => ({}), { after: 'page 0 1' }],
    ['that is the answer to no acknowledgment', () => ({}), { after: null }],
    ['that does not say to what it is the answer', () => ({}), { after: undefined }],
    ['with an entry of an unknown kind', () => ({}), { entries: [{ type: 'other' }] }],
    ['with a malformed entry', () => ({}), { entries: [{ ...client, gen: '3' }] }],
    ['that is the answer to another nonce', () => ({}), { nonce: '0000000000000000' }],
    ['that does not say whether there is more', () => ({}), { more: undefined }],
  ];

  /** Whether a guard that knows that the token `revoked` is still does so after this answer, and what else it says and does. */
  async function answeredBy(answer: (poll: Poll) => Response | Promise<Response>) {
    const polls: Poll[] = [];
    const heard: string[] = [];
    const asked = Promise.withResolvers<void>();
    const guard = guardOf(
      {
        fetch: async (_url, init) => {
          const poll = JSON.parse(String(init?.body)) as Poll;
          polls.push(poll);
          if (polls.length === 3) {
            asked.resolve();
          }
          return polls.length === 2 ? answer(poll) : Response.json({ sets: stream.sets(poll) });
        },
        sharedSignals: { streamId, clientId: receiverId },
      },
      { onFault: ({ message }) => heard.push(message) },
    );
    await guard.start();
    await asked.promise;
    const outcomes = [await outcome(guard, { jti: 'revoked' }), await outcome(guard)];
    await guard.close();
    return { outcomes, faults: heard.length, isAskedAgain: polls[2]?.ack[0] === polls[1]?.ack[0] };
  }

  const unmoved = { outcomes: ['token_revoked', 'passed'], faults: 1, isAskedAgain: true };

  test('a SET that is not as it must be undoes nothing, and is asked for again', async () => {
    stream.publish(token('revoked'));
    const met = await Promise.all(
      refused.map(async ([name, partsOf, page]) => [
        name,
        await answeredBy((poll) =>
          Response.json({ sets: stream.sets(poll, partsOf(stream, poll), { ...undoing, ...page }) }),
        ),
      ]),
    );
    expect(met).toEqual(refused.map(([name]) => [name, unmoved]));
  });

  test('an answer that is garbage undoes nothing, and is asked for again', async () => {
    stream.publish(token('revoked'));
    const garbage: Readonly<Record<string, (poll: Poll) => Response | Promise<Response>>> = {
      'no JSON': () => new Response('<html>'),
      nothing: () => new Response(''),
      null: () => new Response('null'),
      'no SETs': () => Response.json({}),
      'no SET': () => Response.json({ sets: {} }),
      'a list of SETs': (poll) => Response.json({ sets: Object.values(stream.sets(poll, {}, undoing)) }),
      'SETs that are no text': () => Response.json({ sets: { a: 1 } }),
      'a SET that is no JWT': () => Response.json({ sets: { a: 'a.b.c' } }),
      'two pages': (poll) => Response.json({ sets: { ...stream.sets(poll, {}, undoing), ...stream.sets(poll) } }),
      'too many SETs': () =>
        Response.json({ sets: Object.fromEntries(Array.from({ length: 501 }, (_, at) => [at, ''])) }),
      'an error': () => new Response('', { status: 500 }),
      'a redirect': () => new Response('', { status: 302, headers: { location: 'https://example.com' } }),
      'no answer': () => Promise.reject(new Error('connection reset')),
    };
    const met = await Promise.all(
      Object.entries(garbage).map(async ([name, answer]) => [name, await answeredBy(answer)]),
    );
    expect(met).toEqual(Object.keys(garbage).map((name) => [name, unmoved]));
  });

  test('a SET that is sent again undoes nothing', async () => {
    const guard = guardOf();
    let first: Record<string, string> = {};
    stream.instead = (poll, response) => {
      stream.instead = undefined;
      first = stream.sets(poll);
      answerJson(response, 200, { sets: first });
    };
    await guard.start();
    stream.publish({ type: 'client', client_id: 'client', active: false });
    await followed();
    expect(await outcome(guard)).toBe('client_unknown');
    await answerSets(() => first);
    expect(await outcome(guard)).toBe('client_unknown');
    expect(faults).toEqual([expect.stringContaining('is signed as the answer to another acknowledgment')]);
  });

  test('SETs out of order, and after a gap, are refused until the one that is next has come', async () => {
    const guard = guardOf();
    await guard.start();
    await followed();
    const disabled = { type: 'client', client_id: 'client', active: false };
    await answerSets(() => stream.sets({ ack: ['page 0 7'], wait: 0 }, {}, { entries: [{ ...client, gen: 0 }] }));
    expect(faults).toHaveLength(1);
    stream.publish(disabled);
    await followed();
    expect(await outcome(guard)).toBe('client_unknown');
    await answerSets(() => stream.sets({ ack: ['page 0 1'], wait: 0 }, {}, { entries: [{ ...client, gen: 0 }] }));
    expect([await outcome(guard), faults.length]).toEqual(['client_unknown', 2]);
  });

  test('a SET without news that is sent again and again makes the news no newer', async () => {
    const guard = guardOf({ maxStalenessSeconds: 30 });
    await guard.start();
    await followed();
    let recorded: Record<string, string> | undefined;
    stream.instead = (poll, response) => {
      recorded ??= stream.sets(poll);
      answerJson(response, 200, { sets: recorded });
    };
    stream.release();
    await vi.waitFor(() => expect(faults).toEqual([expect.stringContaining('another acknowledgment')]));
    clock.advance(40);
    expect(await outcome(guard)).toBe('revocations_stale');
  });

  test('a stream that never answers makes the news old, and calls get 503', async () => {
    const guard = await startGuard({ maxStalenessSeconds: 30 });
    clock.advance(30);
    expect(await outcome(guard)).toBe('passed');
    clock.advance(0.001);
    expect([await outcome(guard), await outcome(guard, { jti: 'revoked' })]).toEqual([
      'revocations_stale',
      'token_revoked',
    ]);
    stream.release();
    await vi.waitFor(async () => expect(await outcome(guard)).toBe('passed'));
  });

  test('an answer that comes late is as old as its signature', async () => {
    const guard = guardOf({ maxStalenessSeconds: 30 });
    await guard.start();
    await followed();
    let late: (() => void) | undefined;
    stream.instead = (poll, response) => {
      const sets = stream.sets(poll);
      late = () => answerJson(response, 200, { sets });
    };
    stream.release();
    await vi.waitFor(() => expect(late).toBeDefined());
    clock.advance(40);
    stream.instead = (_, response) => answerJson(response, 503, {});
    late?.();
    await vi.waitFor(() => expect(faults).not.toEqual([]));
    expect(await outcome(guard)).toBe('revocations_stale');
  });

  test('a node whose clock was set back is believed, since it signs the nonce', async () => {
    const guard = await startGuard({ maxStalenessSeconds: 10 });
    stream.now = () => clock.now() - 120_000;
    stream.publish(token('b'));
    await vi.waitFor(() => expect(stream.polls.at(-1)).not.toHaveProperty('nonce'));
    await followed();
    expect([await outcome(guard, { jti: 'b' }), await outcome(guard)]).toEqual(['token_revoked', 'passed']);
    expect([guard.revocationLagSeconds(), stream.polls.at(-2)?.nonce]).toEqual([0, expect.any(String)]);
  });

  test('a lag of the node counts', async () => {
    const guard = guardOf({ maxStalenessSeconds: 30 });
    stream.instead = (poll, response) =>
      answerJson(response, 200, { sets: stream.sets(poll, {}, { lag_seconds: 31 }) });
    await guard.start();
    expect(await outcome(guard)).toBe('revocations_stale');
  });

  test('a SET that a revoked key signed is refused, although the JWKS has the key', async () => {
    const guard = await startGuard();
    stream.publish({ type: 'signing_key', kid: 'set' });
    await followed();
    stream.release();
    await vi.waitFor(() => expect(faults).toContainEqual(expect.stringContaining('a key that was revoked')));
    clock.advance(61);
    expect(await outcome(guard)).toBe('revocations_stale');
  });

  test('SSF 1.0 §8.1.4 what is told of the stream itself is acknowledged, and changes nothing', async () => {
    const guard = await startGuard();
    const told = (type: string, jti: string, claims = {}) =>
      stream.set({ claims: { jti, events: { [type]: { state: 'x' } }, ...claims } });
    await answerSets((poll) => ({
      ...stream.sets(poll),
      '7-0-a': told(verificationEvent, '7-0-a'),
      '8-0-a': told(streamUpdatedEvent, '8-0-a'),
    }));
    expect(faults).toEqual([]);
    expect(stream.polls.at(-1)?.ack).toEqual([expect.stringMatching(/^page/), '7-0-a', '8-0-a']);
    await answerSets((poll) => ({
      ...stream.sets(poll, {}, undoing),
      '9-0-a': told(verificationEvent, '9-0-a', { aud: 'other' }),
    }));
    expect([await outcome(guard, { jti: 'revoked' }), faults.length]).toEqual(['token_revoked', 1]);
  });

  test('SSF 1.0 §8.1.2 a stream that is paused is no news', async () => {
    const guard = await startGuard({ maxStalenessSeconds: 30 });
    stream.instead = (_, response) => answerJson(response, 200, { sets: {} });
    stream.release();
    await vi.waitFor(() => expect(faults).toContainEqual(expect.stringContaining(feedPageEvent)));
    clock.advance(31);
    expect(await outcome(guard)).toBe('revocations_stale');
  });

  test('a stream that was never reached lets nothing pass', async () => {
    stream.instead = (_, response) => answerJson(response, 404, {});
    const guard = guardOf();
    await expect(guard.start()).rejects.toThrow(/answered 404/);
    clock.advance(61);
    await guard.close();
    expect(guard.revocationLagSeconds()).toBe(Number.POSITIVE_INFINITY);
  });

  test('a new process without a background continues at the page that the cache keeps', async () => {
    const kept = new Map<string, string>();
    const cache: DocumentCache = {
      match: async (url) => (kept.has(url) ? new Response(kept.get(url)) : undefined),
      put: async (url, response) => void kept.set(url, await response.text()),
    };
    const serve = async () => {
      const guard = guardOf({}, { openCache: async () => cache });
      const work: Promise<unknown>[] = [];
      await guard.refresh?.((later) => work.push(later));
      const answer = await outcome(guard, { jti: 'revoked' });
      await vi.waitFor(() => expect([kept.size, stream.waiting()]).toEqual([2, 1]));
      clock.advance(30);
      stream.release();
      await Promise.all(work);
      return answer;
    };
    stream.publish(token('revoked'));
    expect(await serve()).toBe('token_revoked');
    stream.polls.length = 0;
    expect(await serve()).toBe('token_revoked');
    expect(stream.polls[0]?.ack).toEqual([expect.stringMatching(/^page 1 /)]);
  });
});
