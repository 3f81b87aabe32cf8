/**
 * JWT bearer grant: a workload proves by the token of its platform which client it is, and needs no secret; a client
 * proves it by a JWT that it signed; or a client acts for a person by an ID-JAG, with its own credentials. RFC 7523 §2.1 and §3,
 * RFC 7521 §4.1, draft-ietf-oauth-identity-assertion-authz-grant-04 §4.4.
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
  const verify = identities.ofAssertion(parameter);

  return {
    grantType: jwtBearerGrant,
    parameter,

    async parse(form, nowSeconds, address) {
      const text = form.get('assertion');
      if (text === undefined) {
        throw new OAuthError('invalid_request', 'The parameter assertion is missing.');
      }
      const identity = await verify(text, nowSeconds, address);
      if (identity.idJag !== undefined && form.has('authorization_details')) {
        throw new OAuthError(
          'invalid_authorization_details',
          'The token gets the authorization details of the ID-JAG; leave the parameter out.',
        );
      }
      return { identity, clientId: form.get('client_id') };
    },

    requiresAuthentication: ({ identity }) => identity.idJag !== undefined,

    identifyClient: ({ identity, clientId }) => identity.findClient(clientId),

    findResource: ({ identity: { idJag } }) => (idJag?.resources?.length === 1 ? idJag.resources[0] : undefined),

    findAuthorizationDetails: ({ identity }) => identity.idJag?.authorizationDetails,

    authorize: ({ identity }, request) => authorizeIdentity(identity, parameter, request),
  };
}
