/** Signs a JWT with one of the server's keys, as compact JWS. RFC 7515 §7.1. */
import { sign } from 'node:crypto';
import { digestOf, keyInput } from '@postern/guard';
import type { SigningKey } from '../keys/signing-key.ts';

/** What Postern signs, each kind with a type of its own, so that none can stand in for another. RFC 8725 §3.11. */
export type JwtType = 'at+jwt' | 'token-introspection+jwt';

/** `payload` is the JSON text of the claims. */
export function signJwt(typ: JwtType, payload: string, key: SigningKey): string {
  const signingInput = `${headerOf(typ, key)}.${encode(payload)}`;
  const signature = sign(digestOf(key.alg), Buffer.from(signingInput, 'latin1'), keyInput(key.alg, key.privateKey));
  return `${signingInput}.${signature.toString('base64url')}`;
}

/** Headers are few and their texts the same over and over. */
const headers = new WeakMap<SigningKey, Map<JwtType, string>>();

function headerOf(typ: JwtType, key: SigningKey): string {
  let ofKey = headers.get(key);
  if (ofKey === undefined) {
    ofKey = new Map();
    headers.set(key, ofKey);
  }
  let header = ofKey.get(typ);
  if (header === undefined) {
    header = encode(JSON.stringify({ typ, alg: key.alg, kid: key.kid }));
    ofKey.set(typ, header);
  }
  return header;
}

function encode(json: string): string {
  return Buffer.from(json).toString('base64url');
}
