/**
 * Token exchange: a narrower token for a valid one, and acting on behalf of somebody else. RFC 8693. Here are the parameters and
 * whether their tokens are active; `exchange-rules.ts` decides who may exchange which token, and what the new one can do.
 */
import { type AccessToken, type VerifyIssuedTokenOptions, verifyIssuedToken } from '@postern/guard';
import {
  accessTokenType,
  idJagTokenType,
  idTokenType,
  jwtTokenType,
  OAuthError,
  tokenExchangeGrant,
} from '@postern/protocol';
import type { ResourceRegistry } from '../../resources/resource-registry.ts';
import {
  decideExchange,
  rejectToken,
  requireActorUsable,
  requireSubjectUsable,
  type TokenParameter,
} from './exchange-rules.ts';
import type { AuthenticatedGrant } from './grant.ts';

/** All access tokens here are JWTs, so both names mean the same. */
const tokenTypes = [accessTokenType, jwtTokenType];

export interface TokenExchangeOptions {
  readonly verification: VerifyIssuedTokenOptions;
  /** Throws `invalid_token` for a token that is not active any more. */
  readonly requireActive: (token: AccessToken) => Promise<void>;
  readonly resources: Pick<ResourceRegistry, 'findByIdentifier'>;
}

export interface TokenExchangeParameters {
  readonly subjectToken: AccessToken;
  readonly actorToken: AccessToken | undefined;
}

/** `issuedTokenType`: the only `requested_token_type`, and the default. */
export function createTokenExchange(
  options: TokenExchangeOptions,
  issuedTokenType: string = accessTokenType,
): AuthenticatedGrant<TokenExchangeParameters> {
  const { verification, requireActive, resources } = options;

  /** Throws `invalid_request` (RFC 8693 §2.2.2) for a token that is missing, of another type or not genuine. */
  const parseToken = async (
    name: TokenParameter,
    form: ReadonlyMap<string, string>,
    nowSeconds: number,
  ): Promise<AccessToken> => {
    const [text, type] = [form.get(name), form.get(`${name}_type`)];
    if (text === undefined || type === undefined) {
      throw new OAuthError('invalid_request', `The parameters ${name} and ${name}_type must be sent together.`);
    }
    if (!tokenTypes.includes(type)) {
      const others = name === 'subject_token' ? `, or ${jwtTokenType} or ${idTokenType} for a workload` : '';
      throw new OAuthError('invalid_request', `The parameter ${name}_type must be ${accessTokenType}${others}.`);
    }
    try {
      return await verifyIssuedToken(text, nowSeconds, verification);
    } catch (error) {
      throw toTokenError(name, error);
    }
  };

  const requireTokenActive = async (name: TokenParameter, token: AccessToken): Promise<void> => {
    try {
      await requireActive(token);
    } catch (error) {
      throw toTokenError(name, error);
    }
  };

  return {
    grantType: tokenExchangeGrant,

    async parse(form, nowSeconds) {
      const subjectToken = await parseToken('subject_token', form, nowSeconds);
      const hasActorToken = form.has('actor_token') || form.has('actor_token_type');
      const actorToken = hasActorToken ? await parseToken('actor_token', form, nowSeconds) : undefined;
      requireTokenTypeRequested(form, issuedTokenType);
      return { subjectToken, actorToken };
    },

    findResource: ({ subjectToken }) => subjectToken.audience[0] as string,

    async authorize({ subjectToken, actorToken }, request) {
      const { client } = request;
      if (request.authorizationDetails !== undefined) {
        throw new OAuthError(
          'invalid_authorization_details',
          'The new token gets the authorization details of the subject_token; leave the parameter out.',
        );
      }
      const exchange = {
        ...request,
        subjectToken,
        actorToken,
        actsForResource: subjectToken.audience.every(
          (one) => resources.findByIdentifier(one)?.introspectionClients.includes(client.id) === true,
        ),
      };
      // In this order, so that nobody finds out whether a token is active that it may not exchange.
      await requireTokenActive('subject_token', subjectToken);
      requireSubjectUsable(exchange);
      if (actorToken !== undefined) {
        await requireTokenActive('actor_token', actorToken);
        requireActorUsable(exchange, actorToken);
      }
      return { ...decideExchange(exchange), answer: { issued_token_type: issuedTokenType } };
    },
  };
}

/** Throws `invalid_request` if a request names another type. */
export function requireTokenTypeRequested(form: ReadonlyMap<string, string>, issued: string): void {
  if ((form.get('requested_token_type') ?? issued) !== issued) {
    throw new OAuthError(
      'invalid_request',
      `The parameter requested_token_type must be ${accessTokenType} or ${idJagTokenType}.`,
    );
  }
}

/** The error of this endpoint for a token that a resource would reject with `invalid_token`. */
function toTokenError(name: TokenParameter, error: unknown): unknown {
  return error instanceof OAuthError && error.code === 'invalid_token' ? rejectToken(name, error.reason) : error;
}
