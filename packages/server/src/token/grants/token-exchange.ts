/**
 * Token exchange: a narrower token for a valid one, and acting on behalf of somebody else. RFC 8693.
 *
 * Who may exchange a token: the client that it was issued to; the clients that act for its resource
 * (`introspection_clients` of the resource); and the client that it names in `may_act`. If it names one, no other
 * client becomes its actor.
 *
 * The new token: `sub` stays. A client that exchanges its own token without an actor token only narrows it,
 * and nobody acts. In every other case `act` names the client, and within it those who acted before. An actor token is one
 * of the client itself: whoever was only sent a token of another client cannot name that client as the actor.
 *
 * `narrowing.ts` decides what the new token can do. The claim `parent_tokens` lists the tokens that it was exchanged
 * for: it is rejected as soon as one of them is.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type AccessToken,
  type Confirmation,
  detailsOf,
  parentTokensClaim,
  parentTokensOf,
  type VerifyIssuedTokenOptions,
  verifyIssuedToken,
} from '@postern/guard';
import {
  accessTokenType,
  type ErrorReason,
  idTokenType,
  jwtTokenType,
  OAuthError,
  tokenExchangeGrant,
} from '@postern/protocol';
import { type Client, mayUseDetailsType } from '../../clients/client.ts';
import type { ResourceRegistry } from '../../resources/resource-registry.ts';
import type { AuthenticatedGrant } from './grant.ts';
import { narrow } from './narrowing.ts';

/** All access tokens here are JWTs, so both names mean the same. */
const tokenTypes = [accessTokenType, jwtTokenType];

/** Actors nested in `act`. */
const maxActors = 4;

/** Tokens that a token was exchanged for, directly and indirectly. */
const maxParentTokens = 8;

export interface TokenExchangeOptions {
  readonly verification: VerifyIssuedTokenOptions;
  /** Throws `invalid_token` for a token that is not active any more. */
  readonly requireActive: (token: AccessToken) => Promise<void>;
  readonly resources: Pick<ResourceRegistry, 'findByIdentifier'>;
}

interface TokenExchangeParameters {
  readonly subjectToken: AccessToken;
  readonly actorToken: AccessToken | undefined;
}

type TokenParameter = 'subject_token' | 'actor_token';

export function createTokenExchange(options: TokenExchangeOptions): AuthenticatedGrant<TokenExchangeParameters> {
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

  const actsFor = (client: Client, { audience }: AccessToken) =>
    audience.every((one) => resources.findByIdentifier(one)?.introspectionClients.includes(client.id) === true);

  /** Throws `invalid_request` unless the token is active, may be exchanged and is not bound to another sender. */
  const requireUsable = async (
    name: TokenParameter,
    token: AccessToken,
    confirmation: Confirmation | undefined,
    isAllowed: () => boolean,
  ): Promise<void> => {
    try {
      await requireActive(token);
    } catch (error) {
      throw toTokenError(name, error);
    }
    if (!isAllowed()) {
      throw rejectToken(name, 'exchange_not_allowed');
    }
    requireSameSender(name, token, confirmation);
  };

  return {
    grantType: tokenExchangeGrant,

    async parse(form, nowSeconds) {
      const subjectToken = await parseToken('subject_token', form, nowSeconds);
      const hasActorToken = form.has('actor_token') || form.has('actor_token_type');
      const actorToken = hasActorToken ? await parseToken('actor_token', form, nowSeconds) : undefined;
      requireAccessTokenRequested(form);
      return { subjectToken, actorToken };
    },

    findResource: ({ subjectToken }) => subjectToken.audience[0] as string,

    async authorize({ subjectToken, actorToken }, request) {
      const { client, scopes, target, authorizationDetails, confirmation, nowSeconds } = request;
      if (authorizationDetails !== undefined) {
        throw new OAuthError(
          'invalid_authorization_details',
          'The new token gets the authorization details of the subject_token; leave the parameter out.',
        );
      }

      // 1. The subject token is active, and this client may exchange it.
      const isOwn = subjectToken.clientId === client.id;
      await requireUsable(
        'subject_token',
        subjectToken,
        confirmation,
        () => isOwn || actsFor(client, subjectToken) || namesActor(subjectToken, client.id),
      );

      // 2. So is the actor token, if there is one: it was issued to the client itself, and not by exchange.
      if (actorToken !== undefined) {
        await requireUsable(
          'actor_token',
          actorToken,
          confirmation,
          () => actorToken.clientId === client.id && parentTokensOf(actorToken).length === 0,
        );
      }

      // 3. Who acts on whose behalf.
      const acts = !isOwn || actorToken !== undefined;
      const { may_act } = subjectToken.claims;
      if (acts && may_act !== undefined && !namesActor(subjectToken, client.id)) {
        throw rejectToken('subject_token', 'exchange_not_allowed');
      }
      const previousActor = subjectToken.claims['act'] as Actor | undefined;
      const act = acts ? describeActor(client.id, previousActor) : previousActor;

      // 4. What remains of the subject token for the client.
      const details = detailsOf(subjectToken);
      const excessDetail = details.find(({ type }) => !mayUseDetailsType(client, type));
      if (excessDetail !== undefined) {
        throw new OAuthError(
          'invalid_authorization_details',
          `The subject_token has authorization details of a type that the client may not have: ${excessDetail.type}`,
        );
      }
      const narrowed = narrow({ subjectToken, actorToken, target, scopes, nowSeconds });
      const parent_tokens = parentTokensClaim(actorToken === undefined ? [subjectToken] : [subjectToken, actorToken]);
      if (parent_tokens.length > maxParentTokens) {
        throw new OAuthError('invalid_request', 'The subject_token was exchanged too many times.');
      }
      return {
        client,
        ...narrowed,
        subject: subjectToken.subject,
        authorizationDetails: subjectToken.claims['authorization_details'] === undefined ? undefined : details,
        claims: { ...(act !== undefined && { act }), ...(may_act !== undefined && { may_act }), parent_tokens },
        answer: { issued_token_type: accessTokenType },
      };
    },
  };
}

/** Throws `invalid_request`: no other tokens are issued here. */
export function requireAccessTokenRequested(form: ReadonlyMap<string, string>): void {
  if ((form.get('requested_token_type') ?? accessTokenType) !== accessTokenType) {
    throw new OAuthError('invalid_request', `The parameter requested_token_type must be ${accessTokenType}.`);
  }
}

/** RFC 8693 §4.1. */
interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

/** Throws `invalid_request` if more actors than a token may carry would act on behalf of one another. */
function describeActor(clientId: string, previous: Actor | undefined): Actor {
  const act = { sub: clientId, ...(previous && { act: previous }) };
  let count = 0;
  for (let actor: Actor | undefined = act; actor !== undefined; actor = actor.act) {
    count += 1;
  }
  if (count > maxActors) {
    throw new OAuthError('invalid_request', `The act claim would name more than ${maxActors} actors.`);
  }
  return act;
}

/** Whether the token's `may_act` names this client. A claim with members that are not known here names nobody. RFC 8693 §4.4. */
function namesActor({ claims }: AccessToken, clientId: string): boolean {
  return isDeepStrictEqual(claims['may_act'], { sub: clientId });
}

/** A bound token is invalid without its key, here as elsewhere; so nobody can turn it into an unbound one. */
function requireSameSender(name: TokenParameter, token: AccessToken, confirmation: Confirmation | undefined): void {
  if (token.confirmation !== undefined && !isDeepStrictEqual(token.confirmation, confirmation)) {
    throw new OAuthError('invalid_request', `The ${name} is bound to a key that this request does not prove.`, {
      reason: confirmation === undefined ? 'proof_missing' : 'proof_wrong',
    });
  }
}

/** The error of this endpoint for a token that a resource would reject with `invalid_token`. */
function toTokenError(name: TokenParameter, error: unknown): unknown {
  return error instanceof OAuthError && error.code === 'invalid_token' ? rejectToken(name, error.reason) : error;
}

/** The same text for a revoked token and one of another client, so that no client finds out which tokens are active. */
function rejectToken(name: TokenParameter, reason: ErrorReason | undefined): OAuthError {
  const text = `The ${name} is expired, revoked or not valid here, or this client may not exchange it.`;
  return new OAuthError('invalid_request', text, { reason });
}
