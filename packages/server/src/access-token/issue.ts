/** Issues the access token for an authorization, a signed JWT. RFC 9068 §2. Writes nothing anywhere. */
import { randomUUID, sign } from 'node:crypto';
import { digestOf, keyInput } from '@postern/guard';
import type { SigningKey } from '../keys/signing-key.ts';
import type { Authorization } from './authorization.ts';

export interface IssuedAccessToken {
  readonly token: string;
  readonly jti: string;
}

/** `nowSeconds` is in seconds since 1970; the fraction is dropped. */
export function issueAccessToken(
  authorization: Authorization,
  issuer: string,
  key: SigningKey,
  nowSeconds: number,
): IssuedAccessToken {
  const { client, scopes, audience, ttlSeconds, confirmation } = authorization;
  const jti = randomUUID();
  const iat = Math.floor(nowSeconds);
  const payload = {
    iss: issuer,
    sub: client.id,
    client_id: client.id,
    aud: audience,
    iat,
    exp: iat + ttlSeconds,
    jti,
    scope: scopes.join(' '),
    gen: client.generation,
    cnf: confirmation,
  };
  const signingInput = `${headerOf(key)}.${encode(payload)}`;
  const signature = sign(digestOf(key.alg), Buffer.from(signingInput), keyInput(key.alg, key.privateKey));
  return { token: `${signingInput}.${signature.toString('base64url')}`, jti };
}

const headers = new WeakMap<SigningKey, string>();

function headerOf(key: SigningKey): string {
  let header = headers.get(key);
  if (header === undefined) {
    header = encode({ typ: 'at+jwt', alg: key.alg, kid: key.kid });
    headers.set(key, header);
  }
  return header;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
