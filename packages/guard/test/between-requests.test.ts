/** The guard on platforms that run nothing between requests: it learns within them, and a cache keeps what it knows. docs/revocation-feed.md. RFC 7009 §2.2. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { goodClaims, now } from '../fixtures/tokens.ts';
import { protect } from '../src/adapters/fetch.ts';
import { type ApiGuardOptions, createApiGuard, type DocumentCache } from '../src/index.ts';
import { serveFeed, type TestFeed } from './feed.ts';
import { jwksPath, startIssuer, type TestIssuer } from './issuer.ts';

let issuer: TestIssuer;
let feed: TestFeed;
let nowMs: number;
let work: Promise<unknown>[];
let faults: string[];

beforeEach(async () => {
  issuer = await startIssuer();
  feed = serveFeed(issuer);
  nowMs = now * 1000;
  feed.now = () => nowMs;
  work = [];
  faults = [];
});

afterEach(async () => {
  await settle();
  await issuer.close();
});

/** Ends what goes on after requests, half a minute later. */
async function settle(): Promise<void> {
  nowMs += 30_000;
  let isSettled = false;
  const settling = Promise.all(work.splice(0)).then(() => {
    isSettled = true;
  });
  while (!isSettled) {
    feed.release();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await settling;
}

function createCache(): DocumentCache & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    match: async (url) => (kept.has(url) ? new Response(kept.get(url)) : undefined),
    put: async (url, response) => void kept.set(url, await response.text()),
  };
}

/** A process that just started, which knows nothing but what is in the cache. */
function startProcess(cache: DocumentCache, over: Partial<ApiGuardOptions> = {}) {
  const authorized = (url: string, init: RequestInit = {}) =>
    fetch(url, { ...init, headers: { authorization: 'Bearer feed' } });
  const needs = protect(
    createApiGuard({
      issuer: issuer.url,
      audience: goodClaims.aud,
      revocations: { fetch: authorized },
      openCache: async () => cache,
      now: () => nowMs,
      monotonic: () => nowMs,
      onFault: ({ message }) => faults.push(message),
      ...over,
    }),
  );
  return async (token: string) => {
    const request = new Request('https://api.example.com/policy', { headers: { authorization: `Bearer ${token}` } });
    const answer = await needs(request, 'policy:read', { waitUntil: (promise) => work.push(promise) });
    return answer instanceof Response ? answer.status : answer.jti;
  };
}

const lasting = { exp: now + 600 };
const revoked = (jti: string) => ({ type: 'token', jti, exp: now + 600 });

test('a request learns what was revoked before it, and the next ones hear of more at once', async () => {
  feed.publish(revoked('first'));
  const ask = startProcess(createCache());
  expect(await ask(issuer.token({ ...lasting, jti: 'first' }))).toBe(401);
  expect(await ask(issuer.token({ ...lasting, jti: 'second' }))).toBe('second');
  await expect.poll(() => feed.waiting()).toBe(1);
  feed.publish(revoked('second'));
  await expect.poll(() => ask(issuer.token({ ...lasting, jti: 'second' }))).toBe(401);
  expect(feed.asked.length).toBeLessThan(6);
});

test('a request after which nobody followed learns what was revoked meanwhile before it is answered', async () => {
  const ask = startProcess(createCache());
  expect(await ask(issuer.token(lasting))).toBe('a7f1');
  await settle();
  feed.publish(revoked('a7f1'));
  expect(await ask(issuer.token(lasting))).toBe(401);
});

test('a new process knows what the cache keeps, and asks the feed for nothing else', async () => {
  const cache = createCache();
  issuer.addKey('old');
  feed.publish(
    revoked('first'),
    { ...revoked('other'), client_id: 'client', gen: 3 },
    { type: 'client', client_id: 'gone', active: false },
    {
      type: 'client',
      client_id: 'narrowed',
      active: true,
      gen: 1,
      gen_exact: false,
      scopes: ['rule:read'],
      resources: [],
    },
    { type: 'signing_key', kid: 'old' },
    { type: 'all_tokens', gen: 2 },
  );
  await startProcess(cache)(issuer.token(lasting));
  await expect.poll(() => cache.kept.size).toBe(3);
  feed.asked.length = 0;
  const ask = startProcess(cache);
  expect(await ask(issuer.token({ ...lasting, jti: 'first' }))).toBe(401);
  expect(await ask(issuer.token({ ...lasting, jti: 'other' }))).toBe(401);
  expect(await ask(issuer.token({ ...lasting, client_id: 'gone' }))).toBe(401);
  expect(await ask(issuer.token({ ...lasting, client_id: 'narrowed' }))).toBe(401);
  expect(await ask(issuer.token({ ...lasting, gen: 1 }))).toBe(401);
  expect(await ask(issuer.token(lasting, 'old'))).toBe(401);
  expect(await ask(issuer.token(lasting))).toBe('a7f1');
  expect(feed.asked.every(({ cursor }) => cursor !== undefined)).toBe(true);
});

test('a new process asks the feed before it answers, however new the copy is', async () => {
  const cache = createCache();
  await startProcess(cache)(issuer.token(lasting));
  await expect.poll(() => cache.kept.size).toBe(3);
  feed.publish(revoked('a7f1'));
  expect(await startProcess(cache)(issuer.token(lasting))).toBe(401);
});

test('what the cache keeps counts as old as it is: while the feed is down, 503 after maxStalenessSeconds', async () => {
  const cache = createCache();
  await startProcess(cache)(issuer.token(lasting));
  await expect.poll(() => cache.kept.size).toBe(3);
  await settle();
  feed.instead = (_request, response) => void response.writeHead(500).end();
  // The last answer was due 5 seconds after the first request.
  nowMs = (now + 64) * 1000;
  expect(await startProcess(cache)(issuer.token(lasting))).toBe('a7f1');
  nowMs = (now + 66) * 1000;
  expect(await startProcess(cache)(issuer.token(lasting))).toBe(503);
});

const emptyPage = { cursor: '1.0', snapshot: true, more: false, lag_seconds: 0, entries: [] };

test.each([
  ['of the future', JSON.stringify({ at: (now + 1_000) * 1000, body: emptyPage })],
  ['without its age', JSON.stringify({ body: emptyPage })],
  ['that is no JSON', 'x'],
  ['of another kind', JSON.stringify({ at: now * 1000, body: {} })],
  ['that is too old', JSON.stringify({ at: (now - 3_600) * 1000, body: emptyPage })],
])('a copy %s says nothing', async (_which, text) => {
  const cache = createCache();
  await startProcess(cache)(issuer.token(lasting));
  await expect.poll(() => cache.kept.size).toBe(3);
  await settle();
  for (const url of [...cache.kept.keys()].filter((one) => one.includes('revocations'))) {
    cache.kept.set(url, text);
  }
  feed.instead = (_request, response) => void response.writeHead(500).end();
  expect(await startProcess(cache)(issuer.token(lasting))).toBe(503);
});

test('a cache that fails costs only time', async () => {
  const broken: DocumentCache = {
    match: () => Promise.reject(new Error('x')),
    put: () => Promise.reject(new Error('x')),
  };
  expect(await startProcess(broken)(issuer.token(lasting))).toBe('a7f1');
});

test('keys of the cache verify while the issuer is down, and a key that is not among them is fetched at once', async () => {
  const cache = createCache();
  await startProcess(cache)(issuer.token(lasting));
  await expect.poll(() => cache.kept.size).toBe(3);
  issuer.addKey('two');
  expect(await startProcess(cache)(issuer.token(lasting, 'two'))).toBe('a7f1');
  issuer.documents.delete(jwksPath);
  expect(await startProcess(cache)(issuer.token(lasting, 'two'))).toBe('a7f1');
});

test('a guard that learns within requests needs to know what keeps them alive', async () => {
  const needs = protect(
    createApiGuard({ issuer: issuer.url, audience: goodClaims.aud, openCache: async () => createCache() }),
  );
  await expect(needs(new Request('https://api.example.com/'), '')).rejects.toThrow('context: is required');
});

test('RFC 9728 §3.1 the metadata of the API are served, and requests without a token get a challenge', async () => {
  const needs = protect(createApiGuard({ issuer: issuer.url, audience: goodClaims.aud }));
  const metadata = await needs(new Request('https://api.example.com/.well-known/oauth-protected-resource'), 'a');
  expect(await (metadata as Response).json()).toMatchObject({ resource: goodClaims.aud });
  const refused = (await needs(new Request('https://api.example.com/'), 'a')) as Response;
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('Bearer')]);
});

test('RFC 8705 §3 on Cloudflare, the certificate of the connection is the one that a token is bound to', async () => {
  const hex = `${'00'.repeat(31)}ff`;
  const thumbprint = Buffer.from(hex, 'hex').toString('base64url');
  const needs = protect(createApiGuard({ issuer: issuer.url, audience: goodClaims.aud, now: () => nowMs }));
  const authorization = `Bearer ${issuer.token({ ...lasting, cnf: { 'x5t#S256': thumbprint } })}`;
  const ask = async (tlsClientAuth: object) => {
    const request = new Request('https://api.example.com/', { headers: { authorization } });
    const answer = await needs(Object.assign(request, { cf: { tlsClientAuth } }), '');
    return answer instanceof Response ? answer.status : answer.jti;
  };
  expect(await ask({ certPresented: '1', certRevoked: '0', certFingerprintSHA256: hex })).toBe('a7f1');
  expect(await ask({ certPresented: '1', certRevoked: '1', certFingerprintSHA256: hex })).toBe(401);
  expect(await ask({ certPresented: '0', certRevoked: '0', certFingerprintSHA256: '' })).toBe(401);
  expect(await ask({ certPresented: '1', certRevoked: '0', certFingerprintSHA256: hex.replace('ff', 'fe') })).toBe(401);
});
