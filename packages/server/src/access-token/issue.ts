/** Issues the access token for an authorization. RFC 9068 §2. Writes nothing to the database. */
import { randomUUID } from 'node:crypto';
import { type AccessTokenTyp, type Confirmation, toCnf } from '@postern/guard';
import { secondsWithin } from '../clients/client-expiry.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import type { Authorization } from './authorization.ts';
import { signJwt } from './sign-jwt.ts';

export interface IssuedAccessToken {
  readonly token: string;
  readonly jti: string;
  /** Those of the authorization, or fewer if the client expires before. */
  readonly ttlSeconds: number;
}

export interface AccessTokenRequest {
  readonly authorization: Authorization;
  /** The scopes of the authorization, with spaces between them. */
  readonly scope: string;
  /** As the resource requires it. */
  readonly typ: AccessTokenTyp;
  readonly confirmation: Confirmation | undefined;
  readonly key: SigningKey;
  /** Seconds since 1970; the fraction is dropped. */
  readonly nowSeconds: number;
}

export async function issueAccessToken(issuer: string, request: AccessTokenRequest): Promise<IssuedAccessToken> {
  const jti = randomUUID();
  const claims = accessTokenClaims(issuer, request, jti);
  const token = await signJwt(request.typ, JSON.stringify(claims), request.key);
  return { token, jti, ttlSeconds: claims.exp - claims.iat };
}

/** Returns the claims of the token. RFC 9068 §2.2. */
export function accessTokenClaims(
  issuer: string,
  { authorization, scope, confirmation, nowSeconds }: Omit<AccessTokenRequest, 'typ' | 'key'>,
  jti: string,
) {
  const { client, subject, audience, authorizationDetails, claims } = authorization;
  const iat = Math.floor(nowSeconds);
  const ttlSeconds = secondsWithin(client, authorization.ttlSeconds, iat);
  const own = {
    iss: issuer,
    sub: subject ?? client.id,
    client_id: client.id,
    aud: audience,
    scope,
    authorization_details: authorizationDetails,
    gen: client.generation,
    iat,
    exp: iat + ttlSeconds,
    jti,
    cnf: confirmation === undefined ? undefined : toCnf(confirmation),
  };
  const { fixedClaims } = client.metadata;
  // A copy takes as long to write as all of the claims.
  return fixedClaims === undefined && claims === undefined ? own : { ...fixedClaims, ...claims, ...own };
}
