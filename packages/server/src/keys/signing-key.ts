/** One signing key: made, kept sealed, published as a JWK. RFC 7517 §4, RFC 7518 §6.2, RFC 7638. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { SigningAlgorithm, VerificationKey } from '@postern/guard';
import type { MasterKey } from './master-key.ts';

export interface SigningKey extends VerificationKey {
  readonly privateKey: KeyObject;
  readonly publicJwk: PublicJwk;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
}

export interface PublicJwk {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly y: string;
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly use: 'sig';
}

export function generateSigningKey(createdAt: string): SigningKey {
  return fromPrivateKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, createdAt);
}

/** The private key as text for the database. */
export function sealSigningKey(key: SigningKey, masterKey: MasterKey): string {
  return masterKey.seal(key.privateKey.export({ type: 'pkcs8', format: 'der' }), key.kid);
}

/** Throws where the master key is not the one that sealed it. */
export function openSigningKey(kid: string, sealed: string, createdAt: string, masterKey: MasterKey): SigningKey {
  const der = masterKey.open(sealed, kid);
  return fromPrivateKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), createdAt);
}

function fromPrivateKey(privateKey: KeyObject, createdAt: string): SigningKey {
  const publicKey = createPublicKey(privateKey);
  const { kty = '', crv = '', x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  const publicJwk: PublicJwk = { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' };
  return { kid, alg: 'ES256', privateKey, publicKey, publicJwk, createdAt };
}
