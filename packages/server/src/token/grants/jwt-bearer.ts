/**
 * JWT bearer grant: a workload proves by the token of its platform which client it is, and needs no secret; or a client
 * proves it by a JWT that it signed. RFC 7523 §2.1 and §3, RFC 7521 §4.1.
 */
import { jwtBearerGrant, OAuthError } from '@postern/protocol';
import type { IdentifyingGrant, IdentifyingParameter } from './grant.ts';
import { authorizeIdentity, type JwtIdentities, type JwtIdentity } from './jwt-identity.ts';

interface JwtBearerParameters {
  readonly identity: JwtIdentity;
  /** The client that the caller wants to be, if it says so. */
  readonly clientId: string | undefined;
}

const parameter: IdentifyingParameter = { name: 'assertion', errorCode: 'invalid_grant' };

export function createJwtBearer(identities: JwtIdentities): IdentifyingGrant<JwtBearerParameters> {
  const verify = identities.ofWorkloadOrClient(parameter);

  return {
    grantType: jwtBearerGrant,
    parameter,

    async parse(form, nowSeconds, address) {
      const text = form.get('assertion');
      if (text === undefined) {
        throw new OAuthError('invalid_request', 'The parameter assertion is missing.');
      }
      return { identity: await verify(text, nowSeconds, address), clientId: form.get('client_id') };
    },

    identifyClient: ({ identity, clientId }) => identity.findClient(clientId),

    authorize: ({ identity }, request) => authorizeIdentity(identity, parameter, request),
  };
}
