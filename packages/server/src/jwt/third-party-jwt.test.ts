/** Claims, times and signatures of JWTs of third parties. RFC 7523 §3, RFC 7515 §4.1.11, RFC 7517 §4.5. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { OAuthError } from '@postern/protocol';
import fc from 'fast-check';
import { type CompactJWSHeaderParameters, compactVerify, createLocalJWKSet, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createFetchedKeys, createGivenKeys } from './published-keys.ts';
import { acceptedAlgorithms } from './third-party-algorithms.ts';
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

/** The bits of a JWT, of whose claims nothing matters. */
const signedBy = async (key: KeyObject, header: CompactJWSHeaderParameters & { alg: string }) => {
  const token = await new SignJWT({ sub: 'a', exp: 2 }).setProtectedHeader(header).sign(key);
  return { token, ...parseThirdPartyJwt(token, { types: ['JWT'], toError }) };
};

describe('findSignatureFault', () => {
  test('tries every key that matches, and ignores the times', async () => {
    const pairs = [0, 1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
    const keys = pairs.map(({ publicKey }) => publicKey.export({ format: 'jwk' }));
    const [one, two, third] = await Promise.all(pairs.map(({ privateKey }) => signedBy(privateKey, { alg: 'ES256' })));
    assert(one && two && third);
    const given = createGivenKeys();
    const firstTwo = given({ keys: keys.slice(0, 2) });
    expect([await findSignatureFault(one, firstTwo), await findSignatureFault(two, firstTwo)]).toEqual([
      undefined,
      undefined,
    ]);
    expect(await findSignatureFault(third, firstTwo)).toBe('signature_wrong');
    expect(await findSignatureFault(third, given({ keys: [] }))).toBe('key_unknown');
    expect(await findSignatureFault(third, firstTwo, ['PS256'])).toBe('algorithm_not_allowed');
    const unavailable = createFetchedKeys(() => Promise.reject(new Error('no route')), { now: Date.now, onFault() {} });
    await expect(findSignatureFault(third, unavailable('https://keys.example/jwks'))).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      reason: 'keys_unavailable',
    });
  });

  test('judges as jose does, for every algorithm, kid, alg of a key, and signature', async () => {
    const pairs = {
      'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
      Ed25519: generateKeyPairSync('ed25519'),
      RSA: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
    };
    const jwks = Object.entries(pairs).map(([kid, { publicKey }]) => ({ ...publicKey.export({ format: 'jwk' }), kid }));
    const kidOf = (alg: string) =>
      ({ ES256: 'P-256', ES384: 'P-384', ES512: 'P-521', EdDSA: 'Ed25519', Ed25519: 'Ed25519' })[alg] ?? 'RSA';
    const headers = acceptedAlgorithms.flatMap((alg) => [
      { alg, kid: kidOf(alg) },
      { alg },
      { alg, kid: 'other' },
      { alg, kid: 'RSA' },
    ]);
    const sets = [
      jwks,
      jwks.map((jwk) => ({ ...jwk, alg: jwk.kid === 'RSA' ? 'PS256' : undefined })),
      jwks.toReversed(),
    ];
    const verdicts = new Set<string>();
    for (const header of headers) {
      const { privateKey } = pairs[kidOf(header.alg) as keyof typeof pairs];
      const good = await signedBy(privateKey, header);
      for (const signature of variantsOf(Buffer.from(good.signed.signature))) {
        const token = good.token.replace(/[^.]+$/, signature.toString('base64url'));
        const { signed } = parseThirdPartyJwt(token, { types: ['JWT'], toError });
        for (const keys of sets) {
          const set = { keys: keys.map((jwk) => JSON.parse(JSON.stringify(jwk))) };
          const byJose = await compactVerify(token, createLocalJWKSet(set), {
            algorithms: [...acceptedAlgorithms],
          }).then(
            () => 'good',
            () => 'bad',
          );
          const fault = await findSignatureFault({ signed }, createGivenKeys()(set));
          expect([token, fault === undefined ? 'good' : 'bad']).toEqual([token, byJose]);
          verdicts.add(`${header.alg} ${byJose}`);
        }
      }
    }
    expect(verdicts.size).toBe(2 * acceptedAlgorithms.length);
  });
});

/** A signature, and what is not the same one: changed, cut, longer, with its halves exchanged, and as DER. */
function variantsOf(signature: Buffer): Buffer[] {
  const half = signature.length / 2;
  const [r, s] = [signature.subarray(0, half), signature.subarray(half)];
  const changed = Buffer.from(signature);
  changed.writeUInt8((changed.at(-1) ?? 0) ^ 1, changed.length - 1);
  const integer = (bytes: Buffer) => Buffer.concat([Buffer.from([2, bytes.length + 1, 0]), bytes]);
  const der = Buffer.concat([integer(r), integer(s)]);
  return [
    signature,
    changed,
    signature.subarray(1),
    Buffer.concat([signature, Buffer.from([0])]),
    Buffer.concat([s, r]),
    Buffer.concat([Buffer.from([0x30, ...(der.length > 127 ? [0x81] : []), der.length & 0xff]), der]),
    Buffer.alloc(signature.length),
    Buffer.from([0]),
  ];
}
