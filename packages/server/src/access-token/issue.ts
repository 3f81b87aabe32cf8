/** Issues the access token for an authorization. RFC 9068 §2. Writes nothing anywhere. */
import { randomUUID } from 'node:crypto';
import { type Confirmation, toCnf } from '@postern/guard';
import type { SigningKey } from '../keys/signing-key.ts';
import type { Authorization } from './authorization.ts';
import { signJwt } from './sign-jwt.ts';

export interface IssuedAccessToken {
  readonly token: string;
  readonly jti: string;
}

/** `nowSeconds` is in seconds since 1970; the fraction is dropped. */
export function issueAccessToken(
  authorization: Authorization & { readonly confirmation: Confirmation | undefined },
  issuer: string,
  key: SigningKey,
  nowSeconds: number,
): IssuedAccessToken {
  const { client, scopes, audience, ttlSeconds, confirmation } = authorization;
  const jti = randomUUID();
  const iat = Math.floor(nowSeconds);
  const payload = {
    ...authorization.claims,
    iss: issuer,
    sub: authorization.subject ?? client.id,
    client_id: client.id,
    aud: audience,
    iat,
    exp: iat + ttlSeconds,
    jti,
    scope: scopes.join(' '),
    authorization_details: authorization.authorizationDetails,
    gen: client.generation,
    cnf: confirmation && toCnf(confirmation),
  };
  return { token: signJwt('at+jwt', payload, key), jti };
}
