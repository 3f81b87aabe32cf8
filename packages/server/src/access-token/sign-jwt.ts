/** Signs a JWT with one of the server's keys, as compact JWS. RFC 7515 §7.1. */
import { sign } from 'node:crypto';
import type { AccessTokenTyp } from '@postern/guard';
import { digestOf, keyInput } from '@postern/guard/node';
import type { SigningKey } from '../keys/signing-key.ts';

/**
 * The kinds of JWT that Postern signs. Each has its own type, so that none can stand in for another (RFC 8725 §3.11): `JWT` is an
 * access token too, and nothing else that Postern signs has it.
 */
export type JwtType = AccessTokenTyp | 'token-introspection+jwt';

/** `payload` is the JSON text of the claims. */
export function signJwt(typ: JwtType, payload: string, key: SigningKey): string {
  const header = JSON.stringify({ typ, alg: key.alg, kid: key.kid });
  const signingInput = `${encode(header)}.${encode(payload)}`;
  const signature = sign(digestOf(key.alg), Buffer.from(signingInput, 'latin1'), keyInput(key.alg, key.privateKey));
  return `${signingInput}.${signature.toString('base64url')}`;
}

function encode(json: string): string {
  return Buffer.from(json).toString('base64url');
}
