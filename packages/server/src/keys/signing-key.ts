/** One signing key: generated, stored sealed, published as a JWK. RFC 7517 §4, RFC 7518 §6, RFC 7638, RFC 8037. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { SigningAlgorithm, VerificationKey } from '@postern/guard';
import { jwkThumbprint } from '@postern/guard/node';
import type { KeyTimes } from './key-schedule.ts';
import type { MasterKey } from './master-key.ts';

export interface SigningKey extends VerificationKey, KeyTimes {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly publicJwk: Readonly<Record<string, string>>;
}

export function generateSigningKey(alg: SigningAlgorithm, times: KeyTimes): SigningKey {
  const key = fromPrivateKey(alg, generatePrivateKey(alg), times);
  // One key in 64 has an id that a command would take for an option.
  return key.kid.startsWith('-') ? generateSigningKey(alg, times) : key;
}

/** The private key as text for the database. */
export function sealSigningKey(key: SigningKey, masterKey: MasterKey): string {
  return masterKey.seal(key.privateKey.export({ type: 'pkcs8', format: 'der' }), key.kid);
}

/** Throws if the master key is not the one that sealed it. */
export function openSigningKey(
  stored: { readonly kid: string; readonly alg: SigningAlgorithm; readonly sealed: string },
  times: KeyTimes,
  masterKey: MasterKey,
): SigningKey {
  const der = masterKey.open(stored.sealed, stored.kid);
  return fromPrivateKey(stored.alg, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), times);
}

function generatePrivateKey(alg: SigningAlgorithm): KeyObject {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    case 'EdDSA':
      return generateKeyPairSync('ed25519').privateKey;
    case 'RS256':
    case 'PS256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  }
}

function fromPrivateKey(alg: SigningAlgorithm, privateKey: KeyObject, times: KeyTimes): SigningKey {
  const publicKey = createPublicKey(privateKey);
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, string>;
  const kid = jwkThumbprint(jwk);
  return { ...times, kid, alg, privateKey, publicKey, publicJwk: { ...jwk, kid, alg, use: 'sig' } };
}
