/** Bad keys in every place where the guard takes keys of others. RFC 7518 §6, RFC 7638 §3, RFC 8725 §3.4. */
import { createHash, createPublicKey } from 'node:crypto';
import { goodKeys, weakKeys } from '@postern/testing/weak-keys';
import { describe, expect, test } from 'vitest';
import { jwkThumbprint, requirePublicKey, requireStrongKey } from '../src/crypto/node-keys.ts';
import { PublicKeyFault, parsePublicJwk } from '../src/crypto/public-key.ts';
import { verifyDpopProof } from '../src/dpop-proof.ts';
import { readPublishedKeys } from '../src/issuer/published-keys.ts';

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const proofOf = (jwk: unknown, alg: string) =>
  `${encode({ typ: 'dpop+jwt', alg, jwk })}.${encode({ jti: 'a', htm: 'GET', htu: 'https://a.example', iat: 0 })}.AAAA`;

describe.each(Object.entries(weakKeys))('%s', (_name, jwk) => {
  test('is no public key, and the error repeats nothing of it', () => {
    let fault: unknown;
    try {
      requirePublicKey(jwk);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(PublicKeyFault);
    const values = typeof jwk === 'object' && jwk !== null ? Object.values(jwk) : [];
    for (const value of values.filter((one) => typeof one === 'string' && one.length > 20)) {
      expect(String(fault)).not.toContain(value);
    }
  });

  test('signs no DPoP proof', async () => {
    for (const alg of ['RS256', 'ES256', 'EdDSA']) {
      await expect(
        verifyDpopProof(proofOf(jwk, alg), { method: 'GET', url: 'https://a.example', nowSeconds: 0 }),
      ).rejects.toThrow(/must have a public key as its jwk|has a jwk that does not fit its alg/);
    }
  });

  test('signs no access token', async () => {
    const keys = ['RS256', 'ES256', 'EdDSA', undefined].map((alg) => ({ alg, ...(jwk as object), kid: 'a' }));
    expect((await readPublishedKeys({ keys }, new Map(), 'sig')).size).toBe(0);
  });
});

describe.each(Object.entries(goodKeys))('the key %s', (_name, jwk) => {
  test('is accepted, also as the key of a certificate', () => {
    const key = createPublicKey({ key: jwk as Record<string, string>, format: 'jwk' });
    expect(createPublicKey({ key: parsePublicJwk(jwk), format: 'jwk' }).equals(key)).toBe(true);
    expect(() => requirePublicKey(jwk)).not.toThrow();
    expect(() => requireStrongKey(key)).not.toThrow();
  });

  test('RFC 7638 §3.2 has one thumbprint, whatever else its JWK has and in whatever order', () => {
    const required = ['crv', 'e', 'kty', 'n', 'x', 'y'].filter((member) => member in jwk);
    const canonical = JSON.stringify(Object.fromEntries(required.map((member) => [member, jwk[member]])));
    const expected = createHash('sha256').update(canonical).digest('base64url');
    const others = { crv: 'P-256', e: 'AQAB', n: 'AQAB', x: 'AQAB', y: 'AQAB' };
    const isOfOther = (name: string) => !required.includes(name);
    const extra = Object.fromEntries(Object.entries(others).filter(([name]) => isOfOther(name)));
    const reversed = Object.fromEntries(Object.entries({ ...jwk, ...extra, kid: 'a', x5c: [] }).toReversed());
    for (const one of [jwk, reversed]) {
      expect(jwkThumbprint(one)).toBe(expected);
      expect(jwkThumbprint(parsePublicJwk(one))).toBe(expected);
    }
  });
});
