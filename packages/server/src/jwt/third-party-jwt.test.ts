/** Claims, times and signatures of JWTs of third parties. RFC 7523 §3, RFC 7515 §4.1.11, RFC 7517 §4.5. */
import { OAuthError } from '@postern/protocol';
import fc from 'fast-check';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createFetchedKeys, createGivenKeys } from './published-keys.ts';
import { clockSkewSeconds, findSignatureFault, findTimeFault, parseThirdPartyJwt } from './third-party-jwt.ts';

const toError = (fault: string) => new OAuthError('invalid_grant', fault);
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const parse = (claims: object, header: object = {}) =>
  parseThirdPartyJwt(`${encode({ alg: 'ES256', ...header })}.${encode(claims)}.AA`, { types: ['JWT'], toError });

describe('parseThirdPartyJwt', () => {
  test('returns the claims of RFC 7523 §3, and all others', () => {
    expect(parse({ sub: 'a', exp: 2, iss: 'b', aud: 'c', jti: 'd', iat: 1, nbf: 0, x: 'y' })).toMatchObject({
      issuer: 'b',
      subject: 'a',
      audience: 'c',
      isAudienceInArray: false,
      jti: 'd',
      expiresAt: 2,
      issuedAt: 1,
      notBefore: 0,
      claims: { x: 'y' },
    });
    const { audience, isAudienceInArray, issuer, jti } = parse({ sub: 'a', exp: 2, aud: ['c'] });
    expect([audience, isAudienceInArray, issuer, jti]).toEqual(['c', true, undefined, undefined]);
    expect(parse({ sub: 'a', exp: 2, aud: ['c', 'c'] }).audience).toBeUndefined();
  });

  test.each<[string, object]>([
    ['RFC 7523 §3 no exp', { exp: undefined }],
    ['RFC 7523 §3 no sub', { sub: undefined }],
    ['an empty sub', { sub: '' }],
    ['an iss that is no string', { iss: ['b'] }],
    ['an empty iss', { iss: '' }],
    ['an iat that is no number', { iat: '1' }],
    ['an nbf that is no number', { nbf: null }],
    ['an empty jti', { jti: '' }],
    ['a jti of 257 characters', { jti: 'x'.repeat(257) }],
  ])('rejects %s', (_name, over) => {
    expect(() => parse({ sub: 'a', exp: 2, ...over })).toThrow(/^must have/);
  });

  test('RFC 8725 §3.11 accepts only the given types, RFC 7515 §4.1.11 and no critical header parameter', () => {
    expect(parse({ sub: 'a', exp: 2 }, { typ: 'JWT' }).subject).toBe('a');
    expect(() => parse({ sub: 'a', exp: 2 }, { typ: 'at+jwt' })).toThrow(/typ/);
    for (const crit of [['b64'], ['x'], [], 'b64', null]) {
      expect(() => parse({ sub: 'a', exp: 2 }, { crit, b64: false, x: 1 })).toThrow(/critical/);
    }
  });
});

test('findTimeFault: a JWT is valid from iat and nbf until exp, each within the clock skew', () => {
  const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
  fc.assert(
    fc.property(seconds, seconds, seconds, seconds, (expiresAt, issuedAt, notBefore, now) => {
      const start = Math.max(issuedAt, notBefore);
      const isOver = now >= expiresAt + clockSkewSeconds;
      const expected = isOver ? 'token_expired' : start > now + clockSkewSeconds ? 'token_not_yet_valid' : undefined;
      expect(findTimeFault({ expiresAt, issuedAt, notBefore }, now)).toBe(expected);
    }),
  );
  const times = { expiresAt: 1_000, issuedAt: undefined, notBefore: undefined };
  expect(findTimeFault(times, 1_029.999)).toBeUndefined();
  expect(findTimeFault(times, 1_030)).toBe('token_expired');
  expect(findTimeFault({ ...times, issuedAt: 500 }, 470)).toBeUndefined();
  expect(findTimeFault({ ...times, notBefore: 500 }, 469.999)).toBe('token_not_yet_valid');
});

describe('findSignatureFault', () => {
  test('tries every key that matches, and ignores the times', async () => {
    const pairs = await Promise.all([0, 1, 2].map(() => generateKeyPair('ES256')));
    const keys = await Promise.all(pairs.map(({ publicKey }) => exportJWK(publicKey)));
    const sign = (pair: GenerateKeyPairResult | undefined) =>
      new SignJWT({ exp: 1 }).setProtectedHeader({ alg: 'ES256' }).sign((pair as GenerateKeyPairResult).privateKey);
    const given = createGivenKeys();
    const firstTwo = given({ keys: keys.slice(0, 2) });
    for (const pair of pairs.slice(0, 2)) {
      expect(await findSignatureFault({ token: await sign(pair) }, firstTwo)).toBeUndefined();
    }
    const byThird = { token: await sign(pairs[2]) };
    expect((await findSignatureFault(byThird, firstTwo))?.reason).toBe('signature_wrong');
    expect((await findSignatureFault(byThird, given({ keys: [] })))?.reason).toBe('key_unknown');
    expect((await findSignatureFault(byThird, firstTwo, ['PS256']))?.reason).toBe('algorithm_not_allowed');
    const unavailable = createFetchedKeys(() => Promise.reject(new Error('no route')), { now: Date.now, onFault() {} });
    await expect(findSignatureFault(byThird, unavailable('https://keys.example/jwks'))).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      reason: 'keys_unavailable',
    });
  });
});
