/**
 * Token exchange: a narrower token for one that stands, and acting for somebody else. RFC 8693.
 *
 * Who may exchange a token: the client that it was issued to; the clients that act for the resource that it is for
 * (`introspection_clients` of the resource); and the client that it names in `may_act`. Where it names one, nobody
 * else becomes its actor.
 *
 * Who is who afterwards: `sub` stays. A client that exchanges its own token without an actor token only narrows it,
 * and nobody acts. In every other case `act` names the actor, which is the bearer of the actor token or else the
 * client itself, and within it those who acted before.
 *
 * What the new token can do is `narrowing.ts`'s business. It stands only while every token that it was got for does:
 * the claim `parent_tokens` lists them.
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
import { type ErrorReason, OAuthError } from '@postern/protocol';
import { type Client, mayUseDetailsType } from '../../clients/client.ts';
import type { ResourceRegistry } from '../../resources/resource-registry.ts';
import type { Grant } from './grant.ts';
import { narrow } from './narrowing.ts';

export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

/** All access tokens here are JWTs, so both names mean the same. */
const tokenTypes = [accessTokenType, 'urn:ietf:params:oauth:token-type:jwt'];

/** Actors one inside the other in `act`. */
const mostActors = 4;

/** Tokens that a token stands on. */
const maxParentTokens = 8;

export interface TokenExchangeOptions {
  readonly verification: VerifyIssuedTokenOptions;
  /** Throws `invalid_token` where the token's ground is gone. */
  readonly requireActive: (token: AccessToken) => Promise<void>;
  readonly findClient: (id: string) => Promise<Client | undefined>;
  readonly resources: ResourceRegistry;
}

type TokenParameter = 'subject_token' | 'actor_token';

export function createTokenExchange(options: TokenExchangeOptions): Grant {
  const { verification, requireActive, findClient, resources } = options;

  /** Throws `invalid_request` (RFC 8693 §2.2.2) for a token that is missing, of another type or not genuine. */
  const readToken = (name: TokenParameter, parameters: ReadonlyMap<string, string>, nowSeconds: number) => {
    const [text, type] = [parameters.get(name), parameters.get(`${name}_type`)];
    if (text === undefined || type === undefined) {
      throw new OAuthError('invalid_request', `The parameters ${name} and ${name}_type must be sent together.`);
    }
    if (!tokenTypes.includes(type)) {
      throw new OAuthError('invalid_request', `The parameter ${name}_type must be ${accessTokenType}.`);
    }
    return refusing(name, () => verifyIssuedToken(text, nowSeconds, verification));
  };

  const actsFor = (client: Client, { audience }: AccessToken) =>
    audience.every((one) => resources.findByIdentifier(one)?.introspectionClients.includes(client.id) === true);

  /** What the parameter `audience` names, by its key or as it is. RFC 8693 §2.1. */
  const resolveAudience = (name: string) => resources.list().find(({ key }) => key === name)?.identifier ?? name;

  return {
    grantType: 'urn:ietf:params:oauth:grant-type:token-exchange',

    findResource(parameters, nowSeconds) {
      const subject = readToken('subject_token', parameters, nowSeconds);
      const [resource, audience] = [parameters.get('resource'), parameters.get('audience')];
      const named = [resource, audience === undefined ? undefined : resolveAudience(audience)];
      const [first = subject.audience[0] as string, ...others] = named.filter((one) => one !== undefined);
      if (!subject.audience.includes(first) || others.some((other) => other !== first)) {
        throw new OAuthError('invalid_target', 'The new token can only be for what the subject_token is for.');
      }
      return first;
    },

    async authorize({ client, scopes, target, authorizationDetails, confirmation, parameters, nowSeconds }) {
      if ((parameters.get('requested_token_type') ?? accessTokenType) !== accessTokenType) {
        throw new OAuthError('invalid_request', `The parameter requested_token_type must be ${accessTokenType}.`);
      }
      if (authorizationDetails !== undefined) {
        throw new OAuthError(
          'invalid_authorization_details',
          'The authorization details of the subject_token go over as they are; leave the parameter out.',
        );
      }

      // 1. The subject token stands, and is this client's to exchange.
      const subject = readToken('subject_token', parameters, nowSeconds);
      const isOwn = subject.clientId === client.id;
      await refusing('subject_token', () => requireActive(subject));
      if (!isOwn && !actsFor(client, subject) && !namesActor(subject, client.id, client.id)) {
        throw refuse('subject_token', 'exchange_not_allowed');
      }
      requireSameSender('subject_token', subject, confirmation);

      // 2. So does the actor token, where there is one; it speaks for one party and not for a chain of them.
      const hasActorToken = parameters.has('actor_token') || parameters.has('actor_token_type');
      const actorToken = hasActorToken ? readToken('actor_token', parameters, nowSeconds) : undefined;
      if (actorToken !== undefined) {
        await refusing('actor_token', () => requireActive(actorToken));
        const isUsable = actorToken.clientId === client.id || actsFor(client, actorToken);
        if (!isUsable || parentTokensOf(actorToken).length > 0) {
          throw refuse('actor_token', 'exchange_not_allowed');
        }
        requireSameSender('actor_token', actorToken, confirmation);
      }
      const actorClient = actorToken === undefined ? client : await findClient(actorToken.clientId);
      if (actorClient === undefined) {
        throw refuse('actor_token', 'client_unknown');
      }

      // 3. Who acts for whom.
      const acts = !isOwn || actorToken !== undefined;
      const actorSubject = actorToken?.subject ?? client.id;
      if (acts && subject.claims['may_act'] !== undefined && !namesActor(subject, actorSubject, actorClient.id)) {
        throw refuse('subject_token', 'exchange_not_allowed');
      }
      const before = subject.claims['act'] as Actor | undefined;
      const act = acts ? describeActor(actorSubject, actorClient.id, before) : before;

      // 4. What is left of the subject token, for the client and for the actor.
      const beyond = detailsOf(subject).find(
        ({ type }) => !mayUseDetailsType(client, type) || !mayUseDetailsType(actorClient, type),
      );
      if (beyond !== undefined) {
        throw new OAuthError(
          'invalid_authorization_details',
          'The subject_token holds authorization details of a type that the client or the actor may not have: ' +
            beyond.type,
        );
      }
      const left = narrow({ subject, actorToken, actorScopes: actorClient.scopes, target, scopes, nowSeconds });
      const parent_tokens = parentTokensClaim(actorToken === undefined ? [subject] : [subject, actorToken]);
      if (parent_tokens.length > maxParentTokens) {
        throw new OAuthError('invalid_request', 'The subject_token was exchanged too many times.');
      }

      const { may_act } = subject.claims;
      return {
        client,
        ...left,
        subject: subject.subject,
        authorizationDetails: subject.claims['authorization_details'] === undefined ? undefined : detailsOf(subject),
        claims: { ...(act !== undefined && { act }), ...(may_act !== undefined && { may_act }), parent_tokens },
        answer: { issued_token_type: accessTokenType },
      };
    },
  };
}

/** RFC 8693 §4.1. */
interface Actor {
  readonly sub: string;
  /** Where the actor is somebody that its client only speaks for. */
  readonly client_id?: string;
  readonly act?: Actor;
}

/** Throws `invalid_request` where more would act for one another than a token should carry. */
function describeActor(subject: string, clientId: string, before: Actor | undefined): Actor {
  const act = { sub: subject, ...(subject !== clientId && { client_id: clientId }), ...(before && { act: before }) };
  let count = 0;
  for (let actor: Actor | undefined = act; actor !== undefined; actor = actor.act) {
    count += 1;
  }
  if (count > mostActors) {
    throw new OAuthError('invalid_request', `No more than ${mostActors} can act for one another.`);
  }
  return act;
}

/**
 * Whether the token's `may_act` is about this actor. It names a client, so a subject from elsewhere that happens to be
 * called the same is not meant; and a claim with members that are not known here is about nobody. RFC 8693 §4.4.
 */
function namesActor({ claims }: AccessToken, subject: string, clientId: string): boolean {
  return subject === clientId && isDeepStrictEqual(claims['may_act'], { sub: clientId });
}

/** A bound token is worth nothing without its key, here as elsewhere; so it never becomes an unbound one. */
function requireSameSender(name: TokenParameter, token: AccessToken, confirmation: Confirmation | undefined): void {
  if (token.confirmation !== undefined && !isDeepStrictEqual(token.confirmation, confirmation)) {
    throw new OAuthError('invalid_request', `The ${name} is bound to a key that this request does not prove.`, {
      reason: confirmation === undefined ? 'proof_missing' : 'proof_wrong',
    });
  }
}

/** WriteQueue what a resource would call `invalid_token` into the answer of this endpoint. */
function refusing(name: TokenParameter, check: () => AccessToken): AccessToken;
function refusing(name: TokenParameter, check: () => Promise<void>): Promise<void>;
function refusing<T>(name: TokenParameter, check: () => T | Promise<T>): T | Promise<T> {
  const rethrow = (error: unknown) => {
    throw error instanceof OAuthError && error.code === 'invalid_token' ? refuse(name, error.reason) : error;
  };
  try {
    const result = check();
    return result instanceof Promise ? result.catch(rethrow) : result;
  } catch (error) {
    return rethrow(error);
  }
}

/** One text for a dead token and one that is not this client's, so that no client finds out which tokens live. */
function refuse(name: TokenParameter, reason: ErrorReason | undefined): OAuthError {
  const text = `The ${name} is expired, revoked or not valid here, or this client may not exchange it.`;
  return new OAuthError('invalid_request', text, { reason });
}
