/** What `fetch` does with the token: where it goes, when it is replaced, what is tried again. RFC 6750 §2.1 and §5.3, RFC 9449 §9. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Received, ScriptedAnswer } from './scripted-server.ts';
import { proofsSent, type Stand, startStand, tokenAnswer } from './stand.ts';

let stand: Stand;
let api: string;
beforeEach(async () => {
  stand = await startStand();
  api = `${stand.server.url}/api`;
  stand.server.on('/api', ({ body }) => ({ body: { echo: body } }));
});
afterEach(() => stand.close());

const tokensSent = (path: string, server = stand.server) =>
  server.requests(path).map(({ headers }) => headers.authorization);

const refuseFirst =
  (...accepted: string[]) =>
  ({ headers }: Received): ScriptedAnswer =>
    accepted.some((token) => headers.authorization === `Bearer ${token}`)
      ? {}
      : { status: 401, headers: { 'www-authenticate': 'Bearer realm="x", error="invalid_token"' } };

describe('the request', () => {
  test('is sent unchanged, with the token added', async () => {
    const client = stand.client();
    const answer = await client.fetch(api, {
      method: 'post',
      headers: { 'x-own': 'a', authorization: 'Basic x' },
      body: new URLSearchParams({ a: 'b' }),
    });
    expect(await answer.json()).toEqual({ echo: 'a=b' });
    const [seen] = stand.server.requests('/api');
    expect(seen).toMatchObject({ method: 'POST', body: 'a=b' });
    expect(seen?.headers).toMatchObject({
      'x-own': 'a',
      authorization: 'Bearer token-1',
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
    });
  });

  test('may be a URL or a Request', async () => {
    const client = stand.client();
    expect((await client.fetch(new URL(api))).status).toBe(200);
    const request = new Request(api, {
      method: 'PUT',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    });
    expect(await (await client.fetch(request)).json()).toEqual({ echo: '{"a":1}' });
    expect(stand.server.requests('/api').at(-1)?.headers['content-type']).toBe('application/json');
  });

  test('is never sent unencrypted, and only to the origins in the options', async () => {
    await expect(stand.client().fetch('http://api.example.com/')).rejects.toThrow(/token unencrypted/);
    const limited = stand.client({ origins: [stand.server.url] });
    expect((await limited.fetch(api)).status).toBe(200);
    await expect(limited.fetch(`${stand.other.url}/api`)).rejects.toThrow(/not at one of the origins/);
    expect(stand.other.received).toEqual([]);
  });

  test('is aborted by its signal, also while it waits for a token', async () => {
    stand.server.on('/token', () => new Promise(() => {}));
    const controller = new AbortController();
    const call = stand.client().fetch(api, { signal: controller.signal });
    await expect.poll(() => stand.server.requests('/token').length).toBe(1);
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
  });
});

describe('a redirect', () => {
  test('within the origin keeps the token, and keeps the body if the status says so', async () => {
    stand.server.on('/moved', { status: 307, headers: { location: '/api' } });
    stand.server.on('/seen', { status: 303, headers: { location: '/api' } });
    const client = stand.client();
    const kept = await client.fetch(`${stand.server.url}/moved`, { method: 'POST', body: 'x' });
    expect(await kept.json()).toEqual({ echo: 'x' });
    const dropped = await client.fetch(`${stand.server.url}/seen`, { method: 'POST', body: 'x' });
    expect(await dropped.json()).toEqual({ echo: '' });
    expect(stand.server.requests('/api').map(({ method }) => method)).toEqual(['POST', 'GET']);
    expect(tokensSent('/api')).toEqual(['Bearer token-1', 'Bearer token-1']);
  });

  test('cannot be followed with a body that is a stream', async () => {
    stand.server.on('/api', { status: 308, headers: { location: '/elsewhere' } });
    const init = { method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' } as RequestInit;
    await expect(stand.client().fetch(api, init)).rejects.toThrow(/stream cannot be sent again/);
    expect(stand.server.requests('/elsewhere')).toEqual([]);
  });

  test('to another origin is followed without token, proof and cookies', async () => {
    stand.server.on('/token', { body: tokenAnswer('bound', { token_type: 'DPoP' }) });
    stand.server.on('/api', { status: 302, headers: { location: `${stand.other.url}/file` } });
    stand.other.on('/file', { body: { is: 'here' } });
    const answer = await stand.client({ dpop: true }).fetch(api, { headers: { cookie: 'a=b', 'x-own': 'c' } });
    expect(await answer.json()).toEqual({ is: 'here' });
    const { headers } = stand.other.requests('/file')[0] as Received;
    expect(headers).toMatchObject({ 'x-own': 'c' });
    expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['authorization']));
    expect([headers.authorization, headers['dpop'], headers.cookie]).toEqual([undefined, undefined, undefined]);
  });

  test('to another origin that is in the options keeps the token', async () => {
    stand.server.on('/api', { status: 302, headers: { location: `${stand.other.url}/api` } });
    stand.other.on('/api', {});
    await stand.client({ origins: [stand.server.url, stand.other.url] }).fetch(api);
    expect(tokensSent('/api', stand.other)).toEqual(['Bearer token-1']);
  });

  test('in a circle ends; with the option `redirect` the caller handles it', async () => {
    stand.server.on('/api', { status: 302, headers: { location: '/api' } });
    const client = stand.client();
    await expect(client.fetch(api)).rejects.toThrow(/redirects again/);
    await expect(client.fetch(api, { redirect: 'error' })).rejects.toThrow(/redirects/);
    expect((await client.fetch(api, { redirect: 'manual' })).status).toBe(302);
  });
});

describe('RFC 6750 §3.1 a 401', () => {
  test('replaces the token and repeats the call with its body', async () => {
    const client = stand.client();
    stand.server.on('/api', refuseFirst('token-2'));
    expect((await client.fetch(api, { method: 'POST', body: 'x' })).status).toBe(200);
    expect(stand.server.requests('/api').map(({ body }) => body)).toEqual(['x', 'x']);
    expect(tokensSent('/api')).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  test('without a challenge also replaces the token; one with another error code does not', async () => {
    const client = stand.client();
    stand.server.on('/api', ({ headers }) => (headers.authorization === 'Bearer token-2' ? {} : { status: 401 }));
    expect((await client.fetch(api)).status).toBe(200);
    stand.server.on('/api', { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_request"' } });
    stand.advance(60);
    expect((await client.fetch(api)).status).toBe(401);
    expect(stand.server.requests('/token')).toHaveLength(2);
  });

  test('that comes again is returned to the caller, and not every call requests a new token', async () => {
    const client = stand.client();
    stand.server.on('/api', refuseFirst());
    for (let call = 0; call < 5; call += 1) {
      expect((await client.fetch(api)).status).toBe(401);
    }
    expect([stand.server.requests('/token').length, stand.server.requests('/api').length]).toEqual([2, 6]);
    stand.advance(11);
    await client.fetch(api);
    expect(stand.server.requests('/token')).toHaveLength(3);
  });

  test('that comes again soon after the first is helped at once, and ever less often', async () => {
    const client = stand.client();
    stand.server.on('/api', refuseFirst());
    const tokens: number[] = [];
    for (const seconds of [0, 0.3, 0.3, 0.3, 0.8, 0.3]) {
      stand.advance(seconds);
      await client.fetch(api);
      tokens.push(stand.server.requests('/token').length);
    }
    expect(tokens).toEqual([2, 3, 3, 4, 4, 5]);
  });

  test('of a slow API does not lead to endless replacements', async () => {
    stand.server.on('/api', (request) => {
      stand.advance(60);
      return refuseFirst()(request);
    });
    expect((await stand.client().fetch(api)).status).toBe(401);
    expect(stand.server.requests('/api')).toHaveLength(2);
  });

  test.each<[string, () => unknown]>([
    ['stream', () => new Blob(['x']).stream()],
    ['iterable', () => ReadableStream.from(['x']).values()],
  ])('to a body that is a %s is an answer; the next call has another token', async (_name, make) => {
    const client = stand.client();
    stand.server.on('/api', refuseFirst('token-2'));
    const body = make();
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    expect((await client.fetch(api, init)).status).toBe(401);
    expect((await client.fetch(api)).status).toBe(200);
  });
});

describe('RFC 9449 §4.2 the proof', () => {
  test('is for this request and this token, and new for each request', async () => {
    stand.server.on('/token', { body: tokenAnswer('bound', { token_type: 'DPoP' }) });
    const client = stand.client({ dpop: true });
    await client.fetch(`${api}?page=1#top`, { method: 'delete' });
    await client.fetch(api);
    const [first, second] = proofsSent(stand.server.requests('/api'));
    expect(first).toEqual({
      jti: expect.stringMatching(/^[\w-]{22}$/),
      htm: 'DELETE',
      htu: api,
      iat: 1_800_000_000,
      ath: createHash('sha256').update('bound').digest('base64url'),
    });
    expect([second.htm, second.jti === first.jti]).toEqual(['GET', false]);
    const header = JSON.parse(atob(String(stand.server.requests('/api')[0]?.headers['dpop']).split('.')[0] ?? ''));
    expect(Object.keys(header.jwk).toSorted()).toEqual(['crv', 'kty', 'x', 'y']);
  });
});

describe('a busy API', () => {
  const busyOnce = (status: number) => {
    let calls = 0;
    stand.server.on('/api', () => {
      calls += 1;
      return calls === 1 ? { status, headers: { 'retry-after': '2' } } : {};
    });
  };

  test.each([
    ['GET', 429, 200],
    ['POST', 429, 200],
    ['DELETE', 503, 200],
    ['POST', 503, 503],
  ])('%s and %i: %i', async (method, status, expected) => {
    busyOnce(status);
    expect((await stand.client().fetch(api, { method })).status).toBe(expected);
    expect(stand.slept).toEqual(expected === 200 ? [2_187.5] : []);
  });

  test('that stays busy: the caller gets its answer', async () => {
    stand.server.on('/api', { status: 503 });
    expect((await stand.client().fetch(api)).status).toBe(503);
    expect(stand.server.requests('/api')).toHaveLength(4);
  });

  test('whose connection breaks is asked again if the request may be repeated', async () => {
    stand.server.on('/api', { breaks: true });
    const client = stand.client();
    await expect(client.fetch(api)).rejects.toThrow(TypeError);
    expect(stand.server.requests('/api')).toHaveLength(4);
    await expect(client.fetch(api, { method: 'POST' })).rejects.toThrow(TypeError);
    expect(stand.server.requests('/api')).toHaveLength(5);
  });
});
