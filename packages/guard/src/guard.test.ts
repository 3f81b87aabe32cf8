/** What a request needs to be authorized. RFC 6750 §2.1 and §3.1. */
import { describe, expect, test } from 'vitest';
import { goodClaims, goodHeader, now, tokenOf, verification } from '../fixtures/tokens.ts';
import type { AccessToken } from './access-token.ts';
import { createGuard, type GuardOptions } from './guard.ts';

const options: GuardOptions = {
  ...verification,
  baseUrl: 'https://api.example.com',
  now: () => now * 1000,
  findInactiveReason: async () => undefined,
  dpop: { useProof: async () => true, nonces: undefined },
};
const request = (authorization: string | undefined) => ({
  method: 'GET',
  path: '/policy',
  authorization,
  dpop: undefined,
  certificateThumbprint: undefined,
});
const issue = (over: object = {}) => tokenOf(goodHeader, { ...goodClaims, ...over });

const authorize = (authorization: string | undefined, over: Partial<GuardOptions> = {}) =>
  createGuard({ ...options, ...over }).authorize(request(authorization), 'policy:read');

describe('RFC 6750 §2.1 Authorization request header field', () => {
  test.each(['Bearer ', 'bearer ', 'BEARER   '])('%j and a token are accepted', async (scheme) => {
    expect((await authorize(`${scheme}${issue()}`)).jti).toBe('a7f1');
  });

  test.each([undefined, '', 'Basic YTpi', 'BearerToken x', 'Token Bearer x'])(
    '§3.1 %j is a request without a token',
    async (authorization) => {
      await expect(authorize(authorization)).rejects.toMatchObject({ code: 'missing_token' });
    },
  );

  test.each([
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer "x"',
    'Bearer é',
    'Bearer x,Bearer y',
    `Bearer ${' '.repeat(9_000)}`,
  ])('§3.1 %.30j is a malformed token', async (authorization) => {
    await expect(authorize(authorization)).rejects.toMatchObject({ code: 'invalid_token', reason: 'token_malformed' });
  });

  test('two tokens in one header are rejected', async () => {
    await expect(authorize(`Bearer ${issue()}, Bearer ${issue()}`)).rejects.toMatchObject({ code: 'invalid_token' });
  });
});

describe('RFC 8705 §3 a token that is bound to a certificate', () => {
  const thumbprint = 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0';
  const bearer = request(`Bearer ${issue({ cnf: { 'x5t#S256': thumbprint } })}`);
  const guard = createGuard(options);

  test('is accepted with that certificate', async () => {
    const token = await guard.authorize({ ...bearer, certificateThumbprint: thumbprint }, 'policy:read');
    expect(token.confirmation).toEqual({ x5tS256: thumbprint });
  });

  test.each([
    [undefined, 'certificate_missing'],
    ['', 'certificate_wrong'],
    [thumbprint.toLowerCase(), 'certificate_wrong'],
  ])('MUST be rejected with %j', async (certificateThumbprint, reason) => {
    await expect(guard.authorize({ ...bearer, certificateThumbprint }, 'policy:read')).rejects.toMatchObject({
      code: 'invalid_token',
      status: 401,
      reason,
    });
  });

  test('is not a DPoP token, and a certificate is not a proof', async () => {
    const authorization = bearer.authorization?.replace('Bearer', 'DPoP');
    const asDpop = { ...bearer, authorization, certificateThumbprint: thumbprint };
    await expect(guard.authorize(asDpop, 'policy:read')).rejects.toMatchObject({ reason: 'proof_missing' });
    const bound = request(`Bearer ${issue({ cnf: { jkt: thumbprint } })}`);
    const withCertificate = { ...bound, certificateThumbprint: thumbprint };
    await expect(guard.authorize(withCertificate, 'policy:read')).rejects.toMatchObject({ reason: 'proof_missing' });
  });

  test.each([
    [{}],
    [null],
    ['x'],
    [[]],
    [{ 'x5t#S256': 1 }],
    [{ 'x5t#S256': thumbprint, jkt: thumbprint }],
    [{ x5tS256: thumbprint }],
    [{ jwk: {} }],
  ])('RFC 7800 §3.1 an unknown cnf is rejected: %j', async (cnf) => {
    await expect(authorize(`Bearer ${issue({ cnf })}`)).rejects.toMatchObject({
      code: 'invalid_token',
      reason: 'claims_malformed',
    });
  });
});

describe('RFC 6750 §3.1 why a verified token is rejected', () => {
  test('the clock of the guard decides whether it has expired', async () => {
    const token = issue({ exp: now });
    await expect(authorize(`Bearer ${token}`)).rejects.toMatchObject({
      code: 'invalid_token',
      reason: 'token_expired',
    });
    expect((await authorize(`Bearer ${token}`, { now: () => now * 1000 - 1 })).expiresAt).toBe(now);
  });

  test('a token that is no longer active is invalid_token, with the reason for the log', async () => {
    const asked: AccessToken[] = [];
    const findInactiveReason: GuardOptions['findInactiveReason'] = (token) => {
      asked.push(token);
      return 'client_disabled';
    };
    await expect(authorize(`Bearer ${issue()}`, { findInactiveReason })).rejects.toMatchObject({
      code: 'invalid_token',
      reason: 'client_disabled',
    });
    expect(asked.map(({ jti }) => jti)).toEqual(['a7f1']);
  });

  test('RFC 9728 §5.1 every challenge names the metadata of the API, if it has any', async () => {
    const resourceMetadata = 'https://api.example.com/.well-known/oauth-protected-resource';
    const named = createGuard({ ...options, resourceMetadata, findInactiveReason: () => 'client_unknown' });
    const silent = createGuard({ ...options, findInactiveReason: () => 'client_unknown' });
    const token = await createGuard(options).authorize(request(`Bearer ${issue()}`), 'policy:read');
    for (const [guard, expected] of [
      [named, resourceMetadata],
      [silent, undefined],
    ] as const) {
      for (const refused of [
        guard.authorize(request(undefined), 'policy:read'),
        guard.authorize(request('Bearer x'), 'policy:read'),
        guard.requireActive(token),
      ]) {
        await expect(refused).rejects.toMatchObject({ status: 401, resourceMetadata: expected });
      }
    }
    await expect(
      createGuard({ ...options, resourceMetadata }).authorize(request(`Bearer ${issue({ scope: '' })}`), 'policy:read'),
    ).rejects.toMatchObject({
      code: 'insufficient_scope',
      scope: 'policy:read',
      reason: 'scope_missing',
      resourceMetadata,
    });
  });

  test('a token that is no longer active when it is checked again is invalid_token too', async () => {
    let fault: 'client_unknown' | undefined;
    const guard = createGuard({ ...options, findInactiveReason: () => fault });
    const token = await guard.authorize(request(`Bearer ${issue()}`), 'policy:read');
    await expect(guard.requireActive(token)).resolves.toBeUndefined();
    fault = 'client_unknown';
    await expect(guard.requireActive(token)).rejects.toMatchObject({
      code: 'invalid_token',
      reason: 'client_unknown',
    });
  });

  test.each(['', 'rule:read', 'policy:read2', 'policy', 'POLICY:READ'])(
    'a scope %j that is not the one needed: insufficient_scope, naming it',
    async (scope) => {
      await expect(authorize(`Bearer ${issue({ scope })}`)).rejects.toMatchObject({
        code: 'insufficient_scope',
        scope: 'policy:read',
        message: expect.stringContaining('policy:read'),
      });
    },
  );
});
