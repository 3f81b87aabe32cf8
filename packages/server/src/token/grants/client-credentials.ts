/** Client credentials grant. RFC 6749 §4.4. */
import { clientCredentialsGrant, OAuthError } from '@postern/protocol';
import { type Authorization, mayActClaimOf } from '../../access-token/authorization.ts';
import type { AuthenticatedGrant, GrantRequest } from './grant.ts';

export const clientCredentials: AuthenticatedGrant<undefined> = {
  grantType: clientCredentialsGrant,
  parse: () => undefined,
  authorize: (_parameters, request) => authorizeByPolicy(request),
};

/** A client gets the scopes that it asks for, or else all that it may have for the target; never silently fewer. */
export function authorizeByPolicy({ client, scopes, target, authorizationDetails }: GrantRequest): Authorization {
  const excessScope = scopes?.find((scope) => !target.scopes.has(scope));
  if (excessScope !== undefined) {
    throw new OAuthError(
      'invalid_scope',
      client.scopes.has(excessScope)
        ? `The resource does not know the scope ${excessScope}.`
        : `The client does not hold the scope ${excessScope}.`,
    );
  }
  return {
    client,
    scopes: scopes ?? [...target.defaultScopes],
    audience: target.audience,
    ttlSeconds: target.ttlSeconds,
    authorizationDetails,
    claims: mayActClaimOf(client),
  };
}
