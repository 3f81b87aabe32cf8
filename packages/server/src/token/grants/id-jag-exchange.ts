/**
 * Token exchange for an ID-JAG, by which the client acts for the subject at another authorization server: that is a resource
 * here, and the client may ask for tokens for it. The subject is that of a token of this server, which is narrowed as in any
 * exchange, or a person whose ID token a trusted issuer has issued for the client.
 * draft-ietf-oauth-identity-assertion-authz-grant-04 §4.3, RFC 8693 §2.1.
 */
import { idJagTokenType, idTokenType, OAuthError, tokenExchangeGrant } from '@postern/protocol';
import type { Authorization } from '../../access-token/authorization.ts';
import type { AuthenticatedGrant, IdentifyingGrant, IdentifyingParameter } from './grant.ts';
import { authorizeIdentity, type JwtIdentities, type JwtIdentity } from './jwt-identity.ts';
import { createTokenExchange, type TokenExchangeOptions, type TokenExchangeParameters } from './token-exchange.ts';

/** It is used at once, and can be revoked nowhere. */
const longestSeconds = 300;

const maxResourceLength = 1_000;

interface IdJagParameters {
  /** What the other authorization server protects. */
  readonly resource: string | undefined;
}

const isFor = (form: ReadonlyMap<string, string>, isIdToken: boolean) =>
  form.get('requested_token_type') === idJagTokenType && (form.get('subject_token_type') === idTokenType) === isIdToken;

/** For the subject of a token of this server. `ownIssuer` is never the other authorization server. */
export function createIdJagExchange(
  options: TokenExchangeOptions,
  ownIssuer: string,
): AuthenticatedGrant<TokenExchangeParameters & IdJagParameters> {
  const exchange = createTokenExchange(options, idJagTokenType);
  return {
    grantType: tokenExchangeGrant,
    issuesIdJags: true,
    accepts: (form) => isFor(form, false),
    async parse(form, nowSeconds, address) {
      return { ...parseIdJagParameters(form), ...(await exchange.parse(form, nowSeconds, address)) };
    },
    authorize: async (parameters, request) =>
      toIdJag(await exchange.authorize(parameters, request), parameters, ownIssuer),
  };
}

interface IdTokenParameters extends IdJagParameters {
  readonly identity: JwtIdentity;
  readonly clientId: string | undefined;
}

const parameter: IdentifyingParameter = { name: 'subject_token', errorCode: 'invalid_request' };

/** For the person of an ID token, whose audience is the client. */
export function createIdTokenExchange(
  identities: JwtIdentities,
  ownIssuer: string,
): IdentifyingGrant<IdTokenParameters> {
  const verify = identities.ofIdToken(parameter);
  return {
    grantType: tokenExchangeGrant,
    issuesIdJags: true,
    parameter,
    accepts: (form) => isFor(form, true),
    async parse(form, nowSeconds, address) {
      const text = form.get('subject_token');
      if (text === undefined) {
        throw new OAuthError(
          'invalid_request',
          'The parameters subject_token and subject_token_type must be sent together.',
        );
      }
      if (form.has('actor_token') || form.has('actor_token_type')) {
        throw new OAuthError(
          'invalid_request',
          'Only the client acts by the ID token of a person: leave actor_token out.',
        );
      }
      const parameters = parseIdJagParameters(form);
      return { ...parameters, identity: await verify(text, nowSeconds, address), clientId: form.get('client_id') };
    },
    requiresAuthentication: () => true,
    identifyClient: ({ identity, clientId }) => identity.findClient(clientId),
    authorize(parameters, request) {
      const { identity } = parameters;
      const authorization = authorizeIdentity(identity, parameter, request);
      const left = Math.floor(identity.expiresAt) - Math.floor(request.nowSeconds);
      return toIdJag({ ...authorization, ttlSeconds: Math.min(authorization.ttlSeconds, left) }, parameters, ownIssuer);
    },
  };
}

/** Throws `invalid_request`, or `invalid_target` (RFC 8707 §2). */
function parseIdJagParameters(form: ReadonlyMap<string, string>): IdJagParameters {
  if (!form.has('audience')) {
    throw new OAuthError(
      'invalid_request',
      'The parameter audience must name the authorization server that the ID-JAG is for, as its resource here.',
    );
  }
  const resource = form.get('resource');
  if (resource !== undefined && !isResource(resource)) {
    throw new OAuthError(
      'invalid_target',
      `The parameter resource must be an absolute URI of at most ${maxResourceLength} characters, without a fragment.`,
    );
  }
  return { resource };
}

function isResource(text: string): boolean {
  return text.length <= maxResourceLength && /^[\x21-\x7e]+$/.test(text) && !text.includes('#') && URL.canParse(text);
}

/** Throws `invalid_target` for this server itself, and `invalid_scope` if no scope is left: without any, an ID-JAG is not limited. */
export function toIdJag(
  { claims, ttlSeconds, ...authorization }: Authorization,
  { resource }: IdJagParameters,
  ownIssuer: string,
): Authorization {
  if (authorization.audience === ownIssuer) {
    throw new OAuthError(
      'invalid_target',
      'An ID-JAG is for another authorization server: get an access token instead.',
    );
  }
  if (authorization.scopes.length === 0) {
    throw new OAuthError('invalid_scope', 'No scope of the subject_token is left for the client there.');
  }
  if (ttlSeconds <= 0) {
    throw new OAuthError('invalid_request', 'The subject_token has expired.', { reason: 'token_expired' });
  }
  return {
    ...authorization,
    ttlSeconds: Math.min(ttlSeconds, longestSeconds),
    claims: {
      ...(claims?.act !== undefined && { act: claims.act }),
      ...(resource !== undefined && { resource }),
    },
    // RFC 8693 §2.2.1: it is no access token.
    answer: { issued_token_type: idJagTokenType, token_type: 'N_A' },
  };
}
