/**
 * Token exchange of the token of a workload, as clouds' security token services offer it: what the JWT bearer grant does, by
 * other names. RFC 8693 §2.1. The client that the workload is mapped to need not authenticate.
 */
import {
  accessTokenType,
  decodeJws,
  idTokenType,
  jwtTokenType,
  OAuthError,
  tokenExchangeGrant,
} from '@postern/protocol';
import { maxJwtLength } from '../../jwt/third-party-jwt.ts';
import type { IdentifyingGrant, IdentifyingParameter } from './grant.ts';
import { authorizeIdentity, type JwtIdentities, type JwtIdentity } from './jwt-identity.ts';
import { requireTokenTypeRequested } from './token-exchange.ts';

interface WorkloadExchangeParameters {
  readonly identity: JwtIdentity;
  /** The client that the caller wants to be, if it says so. */
  readonly clientId: string | undefined;
}

const parameter: IdentifyingParameter = { name: 'subject_token', errorCode: 'invalid_request' };

/** `ownIssuer` is Postern's, whose access tokens are exchanged by another grant: they are JWTs too. */
export function createWorkloadExchange(
  identities: JwtIdentities,
  ownIssuer: string,
): IdentifyingGrant<WorkloadExchangeParameters> {
  const verify = identities.ofWorkload(parameter);

  return {
    grantType: tokenExchangeGrant,
    parameter,

    accepts(form) {
      const type = form.get('subject_token_type');
      return type === idTokenType || (type === jwtTokenType && isForeign(form.get('subject_token') ?? '', ownIssuer));
    },

    async parse(form, nowSeconds, address) {
      const text = form.get('subject_token');
      if (text === undefined) {
        throw new OAuthError(
          'invalid_request',
          'The parameters subject_token and subject_token_type must be sent together.',
        );
      }
      if (form.has('actor_token') || form.has('actor_token_type')) {
        throw new OAuthError('invalid_request', 'Nobody can act for a workload: leave actor_token out.');
      }
      requireTokenTypeRequested(form, accessTokenType);
      return { identity: await verify(text, nowSeconds, address), clientId: form.get('client_id') };
    },

    identifyClient: ({ identity, clientId }) => identity.findClient(clientId),

    authorize({ identity }, request) {
      const authorization = authorizeIdentity(identity, parameter, request);
      return { ...authorization, answer: { issued_token_type: accessTokenType } };
    },
  };
}

function isForeign(token: string, ownIssuer: string): boolean {
  const jws = token.length > maxJwtLength ? undefined : decodeJws(token);
  return jws !== undefined && jws.payload['iss'] !== ownIssuer;
}
