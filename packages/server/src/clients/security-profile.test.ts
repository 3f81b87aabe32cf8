/** Which keys a profile takes. FAPI 2.0 Security Profile §5.4.1. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { allowsKey, securityProfileOf } from './security-profile.ts';

const fapi2 = securityProfileOf({ securityProfile: 'fapi2' });

test.each([
  ['secp224r1', true],
  ['prime256v1', true],
  ['secp521r1', true],
  ['prime192v1', false],
  ['brainpoolP192r1', false],
])('elliptic curve keys have at least 224 bits: %s', (namedCurve, allowed) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve });
  expect([allowsKey(fapi2, publicKey), allowsKey(undefined, publicKey)]).toEqual([allowed, true]);
});

test('RSA keys have at least 2048 bits', () => {
  const allowed = [2_047, 2_048].map((modulusLength) =>
    allowsKey(fapi2, generateKeyPairSync('rsa', { modulusLength }).publicKey),
  );
  expect(allowed).toEqual([false, true]);
});

test('Ed25519 passes, and a key that signs nothing does not', () => {
  expect(allowsKey(fapi2, generateKeyPairSync('ed25519').publicKey)).toBe(true);
  expect(allowsKey(fapi2, generateKeyPairSync('x25519').publicKey)).toBe(false);
});
