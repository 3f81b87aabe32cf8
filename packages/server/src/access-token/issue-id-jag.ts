/**
 * Issues an ID-JAG: by it another authorization server lets the client act for the subject there. It is no access token anywhere.
 * draft-ietf-oauth-identity-assertion-authz-grant-04 §3.1 and §4.3.4. Writes nothing to the database.
 */
import { randomUUID } from 'node:crypto';
import { toCnf } from '@postern/guard';
import { secondsWithin } from '../clients/client-expiry.ts';
import type { AccessTokenRequest, IssuedAccessToken } from './issue.ts';
import { idJagTyp, signJwt } from './sign-jwt.ts';

export async function issueIdJag(issuer: string, request: AccessTokenRequest): Promise<IssuedAccessToken> {
  const jti = randomUUID();
  const claims = idJagClaims(issuer, request, jti);
  const token = await signJwt(idJagTyp, JSON.stringify(claims), request.key);
  return { token, jti, ttlSeconds: claims.exp - claims.iat };
}

/** Returns the claims of the ID-JAG. */
export function idJagClaims(
  issuer: string,
  { authorization, scope, confirmation, nowSeconds }: Omit<AccessTokenRequest, 'typ' | 'key'>,
  jti: string,
) {
  const { client, subject, audience, authorizationDetails, claims } = authorization;
  const iat = Math.floor(nowSeconds);
  const ttlSeconds = secondsWithin(client, authorization.ttlSeconds, iat);
  return {
    iss: issuer,
    sub: subject ?? client.id,
    aud: audience,
    client_id: client.id,
    resource: claims?.resource,
    scope,
    authorization_details: authorizationDetails,
    act: claims?.act,
    iat,
    exp: iat + ttlSeconds,
    jti,
    cnf: confirmation === undefined ? undefined : toCnf(confirmation),
  };
}
