/** The guard of an API and an issuer over HTTP: discovery, keys, caches. RFC 8414 §3.3, RFC 9111 §5.2. */
import { createClock, type TestClock } from '@postern/testing/clock';
import { answerJson } from '@postern/testing/document-server';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { now } from '../fixtures/tokens.ts';
import { type ApiGuard, type ApiGuardOptions, createApiGuard, type Decision } from '../src/index.ts';
import { jwksPath, metadataPath, startIssuer, type TestIssuer } from './issuer.ts';

let issuer: TestIssuer;
let clock: TestClock;
let faults: string[];

beforeEach(async () => {
  issuer = await startIssuer();
  clock = createClock(now * 1000);
  faults = [];
});
afterEach(() => issuer.close());

const guardOf = (over: Partial<ApiGuardOptions> = {}): ApiGuard =>
  createApiGuard({
    issuer: issuer.url,
    audience: 'https://api.example.com',
    now: clock.now,
    onFault: (fault) => faults.push(fault.message),
    ...over,
  });

const call = (guard: ApiGuard, token: string, scope = 'policy:read') =>
  guard.authorize(
    {
      method: 'GET',
      path: '/policy',
      authorization: `Bearer ${token}`,
      dpop: undefined,
      certificateThumbprint: undefined,
    },
    scope,
  );

const codeOf = (pending: Promise<unknown>) =>
  pending.then(
    () => 'passed',
    ({ code, reason }) => `${code} ${reason}`,
  );

describe('RFC 8414 §3.3 the metadata of the issuer', () => {
  test('leads to the keys', async () => {
    expect((await call(guardOf(), issuer.token())).jti).toBe('a7f1');
  });

  test.each<[string, (url: string) => object, RegExp]>([
    ['MUST name the requested issuer', (url) => ({ issuer: `${url}/`, jwks_uri: url + jwksPath }), /another issuer/],
    ['must name an issuer', (url) => ({ jwks_uri: url + jwksPath }), /another issuer/],
    ['must name a jwks_uri', (url) => ({ issuer: url }), /jwks_uri/],
    [
      'must not name a jwks_uri without TLS',
      (url) => ({ issuer: url, jwks_uri: 'http://example.com/jwks' }),
      /jwks_uri/,
    ],
  ])('%s', async (_, document, fault) => {
    issuer.documents.set(metadataPath, document(issuer.url));
    const guard = guardOf();
    expect(await codeOf(call(guard, issuer.token()))).toBe('temporarily_unavailable keys_unavailable');
    expect(faults).toEqual([expect.stringMatching(fault)]);
    await expect(guard.start()).rejects.toThrow(fault);
  });

  test('that name another issuer are an error of the setup: it is on standard error at once, without any onFault', async () => {
    const written = vi.spyOn(console, 'error').mockImplementation(() => {});
    issuer.documents.set('/.well-known/oauth-authorization-server/auth', { issuer: `${issuer.url}/auth` });
    try {
      for (const [given, named] of [
        [issuer.url.replace('127.0.0.1', 'localhost'), issuer.url],
        [`${issuer.url}/`, issuer.url],
        [`${issuer.url}/auth/`, `${issuer.url}/auth`],
      ] as const) {
        written.mockClear();
        const guard = createApiGuard({ issuer: given, audience: 'https://api.example.com', now: clock.now });
        await expect(call(guard, issuer.token())).rejects.toMatchObject({
          code: 'temporarily_unavailable',
          message: expect.stringContaining('Its operator must correct that.'),
        });
        await expect(guard.start()).rejects.toThrow('name another issuer');
        const texts = written.mock.calls.map(([text]) => text);
        expect(texts).toEqual([
          expect.stringContaining(`name another issuer, "${named}", than the guard was created with, "${given}"`),
        ]);
      }
    } finally {
      written.mockRestore();
    }
  });

  test.each<[string, (issuer: TestIssuer) => void]>([
    ['a redirect', ({ documents }) => documents.set(metadataPath, redirect)],
    ['an endless answer', ({ documents }) => documents.set(jwksPath, endless)],
    ['text that is not JSON', ({ documents }) => documents.set(jwksPath, (_, response) => void response.end('<html>'))],
    ['a document that is not a JWK set', ({ documents }) => documents.set(jwksPath, { keys: {} })],
    ['a set of 101 keys', ({ documents }) => documents.set(jwksPath, { keys: Array(101).fill({}) })],
    ['an error', ({ documents }) => documents.set(jwksPath, (_, response) => answerJson(response, 500, {}))],
  ])('%s instead of keys: calls get 503, and onFault receives the reason', async (_, spoil) => {
    spoil(issuer);
    expect(await codeOf(call(guardOf(), issuer.token()))).toBe('temporarily_unavailable keys_unavailable');
    expect(faults).toHaveLength(1);
  });

  test.each(['http://auth.example.com', 'auth.example.com', ''])('%j is not a valid issuer', (url) => {
    expect(() => guardOf({ issuer: url })).toThrow(TypeError);
  });
});

describe('RFC 9111 §5.2 keys', () => {
  test('are fetched once for many calls at a time, and kept as long as the answer allows', async () => {
    const guard = guardOf({ tokenCacheSize: 0 });
    await Promise.all(Array.from({ length: 50 }, () => call(guard, issuer.token())));
    clock.advance(299);
    await call(guard, issuer.token({ exp: clock.now() / 1000 + 60 }));
    expect(issuer.hits(jwksPath)).toBe(1);
  });

  test('are fetched again after that, while calls continue with the cached ones', async () => {
    const guard = guardOf();
    await call(guard, issuer.token());
    issuer.addKey('two');
    clock.advance(300);
    const token = { exp: clock.now() / 1000 + 60 };
    await call(guard, issuer.token(token));
    await expect.poll(() => codeOf(call(guard, issuer.token(token, 'two')))).toBe('passed');
    expect(issuer.hits(jwksPath)).toBe(2);
  });

  test('that are unknown are fetched at most every 30 seconds', async () => {
    const guard = guardOf();
    await call(guard, issuer.token());
    issuer.addKey('two');
    const token = issuer.token({ exp: clock.now() / 1000 + 60 }, 'two');
    for (let i = 0; i < 20; i += 1) {
      expect(await codeOf(call(guard, token))).toBe('invalid_token key_unknown');
    }
    expect(issuer.hits(jwksPath)).toBe(1);
    clock.advance(30);
    expect(await codeOf(call(guard, token))).toBe('passed');
    expect(issuer.hits(jwksPath)).toBe(2);
  });

  test('are fetched again if the clock was set back, since their age is unknown', async () => {
    const guard = guardOf();
    clock.advance(86_400);
    await call(guard, issuer.token({ exp: clock.now() / 1000 + 60 }));
    clock.advance(-86_400);
    issuer.addKey('two');
    expect(await codeOf(call(guard, issuer.token({}, 'two')))).toBe('passed');
    expect(issuer.hits(jwksPath)).toBe(2);
  });

  test('are used for another hour if the issuer cannot be reached; then calls get 503', async () => {
    const guard = guardOf();
    await call(guard, issuer.token());
    const keys = issuer.documents.get(jwksPath) as object;
    issuer.documents.delete(jwksPath);
    const later = () => issuer.token({ exp: clock.now() / 1000 + 60 });
    clock.advance(300 + 3_599);
    expect(await codeOf(call(guard, later()))).toBe('passed');
    await expect.poll(() => faults).toHaveLength(1);
    clock.advance(1);
    expect(await codeOf(call(guard, later()))).toBe('temporarily_unavailable keys_unavailable');
    issuer.documents.set(jwksPath, keys);
    clock.advance(1);
    expect(await codeOf(call(guard, later()))).toBe('passed');
  });

  test('that the issuer no longer publishes are not used, not even for tokens that were verified before', async () => {
    const guard = guardOf();
    const token = issuer.token({ exp: clock.now() / 1000 + 3_600 });
    await call(guard, token);
    issuer.removeKey('one');
    clock.advance(300);
    await expect.poll(() => codeOf(call(guard, token))).toBe('invalid_token key_unknown');
  });

  test('of other uses and types are ignored', async () => {
    const { keys } = (await (await fetch(issuer.url + jwksPath)).json()) as { keys: object[] };
    const spoiled = [
      { ...keys[0], use: 'enc' },
      { ...keys[0], alg: 'RS256' },
      { ...keys[0], alg: 'none' },
      { ...keys[0], x: 'AA' },
      { ...keys[0], kid: undefined },
      { kty: 'oct', k: 'AAAA', kid: 'one', alg: 'HS256' },
      null,
    ];
    for (const key of spoiled) {
      issuer.documents.set(jwksPath, { keys: [key] });
      expect(await codeOf(call(guardOf(), issuer.token()))).toBe('invalid_token key_unknown');
    }
    issuer.documents.set(jwksPath, { keys: [...spoiled, { ...keys[0], alg: undefined, use: undefined }] });
    expect(await codeOf(call(guardOf(), issuer.token()))).toBe('passed');
  });
});

describe('a token that was verified before', () => {
  test('is checked again except for its signature, and expires', async () => {
    const decisions: Decision[] = [];
    const guard = guardOf({ onDecision: (decision) => decisions.push(decision), clockSkewSeconds: 3 });
    const token = issuer.token();
    await call(guard, token);
    await call(guard, token);
    expect(await codeOf(call(guard, token, 'policy:delete'))).toBe('insufficient_scope scope_missing');
    clock.advance(62);
    await call(guard, token);
    clock.advance(1);
    expect(await codeOf(call(guard, token))).toBe('invalid_token token_expired');
    expect(decisions.map(({ outcome, reason, isCached }) => [outcome, reason, isCached])).toEqual([
      ['passed', undefined, false],
      ['passed', undefined, true],
      ['insufficient_scope', 'scope_missing', true],
      ['passed', undefined, true],
      ['invalid_token', 'token_expired', false],
    ]);
    expect(decisions.every(({ durationMs }) => durationMs >= 0)).toBe(true);
  });

  test('is not confused with one that has another signature, or that is for another API', async () => {
    const guard = guardOf();
    const token = issuer.token();
    await call(guard, token);
    const [header, payload] = token.split('.');
    const [, , other] = issuer.token({ jti: 'other' }).split('.');
    expect(await codeOf(call(guard, `${header}.${payload}.${other}`))).toBe('invalid_token signature_wrong');
    const foreign = issuer.token({ aud: 'https://other.example.com' });
    for (let i = 0; i < 2; i += 1) {
      expect(await codeOf(call(guard, foreign))).toBe('invalid_token audience_wrong');
    }
  });
});

describe('options', () => {
  test('several scopes are all required, and the challenge names them all', async () => {
    const guard = guardOf();
    expect((await call(guard, issuer.token(), 'policy:read rule:read')).jti).toBe('a7f1');
    expect((await call(guard, issuer.token({ scope: '' }), '')).jti).toBe('a7f1');
    await expect(call(guard, issuer.token(), 'policy:read rule:delete')).rejects.toMatchObject({
      code: 'insufficient_scope',
      scope: 'policy:read rule:delete',
      message: 'This call needs the scope rule:delete, which the token lacks: request a token that has it.',
    });
  });

  test('algorithms: keys of other algorithms are not used', async () => {
    expect(await codeOf(call(guardOf({ algorithms: ['EdDSA'] }), issuer.token()))).toBe(
      'invalid_token algorithm_not_allowed',
    );
  });

  test('an audience that is not a URL requires a baseUrl, and the API has no metadata', () => {
    expect(() => guardOf({ audience: 'invoices' })).toThrow(/baseUrl/);
    expect(() => guardOf({ baseUrl: 'ftp://api.example.com' })).toThrow(/baseUrl/);
    expect(guardOf({ audience: 'invoices', baseUrl: 'https://api.example.com' }).resourceMetadata).toBeUndefined();
  });

  test('RFC 9728 §3.1 the path of the metadata is inserted before the path of the resource', () => {
    const resource = { name: 'Invoices', documentation: 'https://docs.example.com', scopes: ['invoice:read'] };
    expect(guardOf({ audience: 'https://api.example.com/v1', resource }).resourceMetadata).toEqual({
      url: 'https://api.example.com/.well-known/oauth-protected-resource/v1',
      path: '/.well-known/oauth-protected-resource/v1',
      document: {
        resource: 'https://api.example.com/v1',
        authorization_servers: [issuer.url],
        bearer_methods_supported: ['header'],
        dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'],
        resource_name: 'Invoices',
        resource_documentation: 'https://docs.example.com',
        scopes_supported: ['invoice:read'],
      },
    });
  });

  test('RFC 9728 §3.2 a list without elements is left out', () => {
    const { document } = guardOf({ resource: { scopes: [] } }).resourceMetadata ?? {};
    expect(document).toBeDefined();
    expect(document).not.toHaveProperty('scopes_supported');
  });
});

function redirect(_request: unknown, response: import('node:http').ServerResponse): void {
  response.writeHead(302, { location: metadataPath }).end();
}

function endless(_request: unknown, response: import('node:http').ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write(' '.repeat(65_536))) {
      // As fast as the client reads.
    }
  };
  response.on('drain', more);
  more();
}
