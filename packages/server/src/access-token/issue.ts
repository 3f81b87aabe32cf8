/** Issues the access token for an authorization. RFC 9068 §2. Writes nothing anywhere. */
import { randomUUID } from 'node:crypto';
import { type Confirmation, toCnf } from '@postern/guard';
import type { Client } from '../clients/client.ts';
import type { SigningKey } from '../keys/signing-key.ts';
import type { Authorization } from './authorization.ts';
import { signJwt } from './sign-jwt.ts';

export interface IssuedAccessToken {
  readonly token: string;
  readonly jti: string;
}

/** The claims that are the same in every token for this authorization, as JSON that lacks its last brace. */
interface StaticClaims {
  readonly audience: string;
  readonly scope: string;
  readonly text: string;
}

export interface AccessTokenRequest {
  readonly authorization: Authorization;
  /** The scopes of the authorization, as the answer has them. */
  readonly scope: string;
  readonly confirmation: Confirmation | undefined;
  readonly key: SigningKey;
  /** Seconds since 1970; the fraction is dropped. */
  readonly nowSeconds: number;
}

export function createAccessTokenIssuer(issuer: string): (request: AccessTokenRequest) => IssuedAccessToken {
  // A client gets the same token over and over, and one that was changed is another object.
  const latest = new WeakMap<Client, StaticClaims>();

  const staticClaims = (authorization: Authorization, scope: string): string => {
    const { client, audience, subject, authorizationDetails, claims } = authorization;
    if (subject !== undefined || authorizationDetails !== undefined || claims !== undefined) {
      return serializeStaticClaims(authorization, scope, issuer);
    }
    const known = latest.get(client);
    if (known !== undefined && known.audience === audience && known.scope === scope) {
      return known.text;
    }
    const text = serializeStaticClaims(authorization, scope, issuer);
    latest.set(client, { audience, scope, text });
    return text;
  };

  return ({ authorization, scope, confirmation, key, nowSeconds }) => {
    const jti = randomUUID();
    const iat = Math.floor(nowSeconds);
    const cnf = confirmation === undefined ? '' : `,"cnf":${JSON.stringify(toCnf(confirmation))}`;
    const lasting = staticClaims(authorization, scope);
    const payload = `${lasting},"iat":${iat},"exp":${iat + authorization.ttlSeconds},"jti":"${jti}"${cnf}}`;
    return { token: signJwt('at+jwt', payload, key), jti };
  };
}

function serializeStaticClaims(
  { client, subject, audience, authorizationDetails, claims }: Authorization,
  scope: string,
  issuer: string,
): string {
  const lasting = {
    ...claims,
    iss: issuer,
    sub: subject ?? client.id,
    client_id: client.id,
    aud: audience,
    scope,
    authorization_details: authorizationDetails,
    gen: client.generation,
  };
  return JSON.stringify(lasting).slice(0, -1);
}
