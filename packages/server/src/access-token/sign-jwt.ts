/** Signs a JWT with one of the server's keys, as compact JWS. RFC 7515 §7.1. */
import { sign } from 'node:crypto';
import { digestOf, keyInput } from '@postern/guard';
import type { SigningKey } from '../keys/signing-key.ts';

/** What Postern signs, each kind with a type of its own, so that none can stand in for another. RFC 8725 §3.11. */
export type JwtType = 'at+jwt' | 'token-introspection+jwt';

/** Members of `payload` that are undefined are left out. */
export function signJwt(typ: JwtType, payload: object, key: SigningKey): string {
  const signingInput = `${headerOf(typ, key)}.${encode(payload)}`;
  const signature = sign(digestOf(key.alg), Buffer.from(signingInput), keyInput(key.alg, key.privateKey));
  return `${signingInput}.${signature.toString('base64url')}`;
}

/** Headers are few and their texts the same over and over. */
const headers = new WeakMap<SigningKey, Map<JwtType, string>>();

function headerOf(typ: JwtType, key: SigningKey): string {
  const ofKey = headers.get(key) ?? new Map<JwtType, string>();
  headers.set(key, ofKey);
  const header = ofKey.get(typ) ?? encode({ typ, alg: key.alg, kid: key.kid });
  ofKey.set(typ, header);
  return header;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
