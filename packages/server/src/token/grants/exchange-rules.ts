/**
 * Who may exchange a token, and what the new token can do. Pure. RFC 8693 §2.1, §4.1, §4.4 and §5.
 *
 * Who may: the client that it was issued to; the clients that act for its resource (`introspection_clients` of the resource);
 * and the client that it names in `may_act`. If it names one, no other client becomes its actor.
 *
 * The new token: `sub` stays. A client that exchanges its own token without an actor token only narrows it,
 * and nobody acts. In every other case `act` names the client, and within it those who acted before. An actor token is one
 * of the client itself: whoever was only sent a token of another client cannot name that client as the actor.
 *
 * `narrowing.ts` decides what the new token can do. The claim `parent_tokens` lists the tokens that it was exchanged for,
 * directly and indirectly: it is rejected as soon as one of them is.
 */
import { isDeepStrictEqual } from 'node:util';
import { type AccessToken, type Confirmation, detailsOf, parentTokensClaim, parentTokensOf } from '@postern/guard';
import { type ErrorReason, OAuthError } from '@postern/protocol';
import type { Authorization } from '../../access-token/authorization.ts';
import { type Client, mayUseDetailsType } from '../../clients/client.ts';
import { type Actor, describeActor } from './actor.ts';
import { type NarrowingRequest, narrow } from './narrowing.ts';

/** Exchanges between a token and the first one behind it. Actor tokens do not count: they were not exchanged themselves. */
export const maxExchanges = 8;

/** An exchange whose tokens are verified and active. */
export interface Exchange extends NarrowingRequest {
  /** Who asks. */
  readonly client: Client;
  /** Whether the resources that the subject token is for name the client in `introspection_clients`. */
  readonly actsForResource: boolean;
  /** The key that the request proves and the token will be bound to. */
  readonly confirmation: Confirmation | undefined;
}

export type TokenParameter = 'subject_token' | 'actor_token';

/** Throws `invalid_request` unless the client may exchange the subject token, and proves its key if it is bound. */
export function requireSubjectUsable({ subjectToken, client, actsForResource, confirmation }: Exchange): void {
  if (subjectToken.clientId !== client.id && !actsForResource && !namesActor(subjectToken, client.id)) {
    throw rejectToken('subject_token', 'exchange_not_allowed');
  }
  requireSameSender('subject_token', subjectToken, confirmation);
}

/** Throws `invalid_request` unless the actor token was issued to the client itself, not by exchange, and it proves its key if it is bound. */
export function requireActorUsable({ client, confirmation }: Exchange, actorToken: AccessToken): void {
  if (actorToken.clientId !== client.id || parentTokensOf(actorToken).length > 0) {
    throw rejectToken('actor_token', 'exchange_not_allowed');
  }
  requireSameSender('actor_token', actorToken, confirmation);
}

/**
 * Returns the new token. Throws `invalid_request` if the client may not act or the chain would be too long, and as `narrow` does.
 * Does not check what `requireSubjectUsable` and `requireActorUsable` do.
 */
export function decideExchange(exchange: Exchange): Authorization {
  const { subjectToken, actorToken, client } = exchange;

  // 1. Who acts on whose behalf.
  const acts = subjectToken.clientId !== client.id || actorToken !== undefined;
  const { may_act } = subjectToken.claims;
  if (acts && may_act !== undefined && !namesActor(subjectToken, client.id)) {
    throw rejectToken('subject_token', 'exchange_not_allowed');
  }
  const previousActor = subjectToken.claims['act'] as Actor | undefined;
  const act = acts ? describeActor(client.id, previousActor) : previousActor;

  // 2. What remains of the subject token for the client.
  const details = detailsOf(subjectToken);
  const excessDetail = details.find(({ type }) => !mayUseDetailsType(client, type));
  if (excessDetail !== undefined) {
    throw new OAuthError(
      'invalid_authorization_details',
      `The subject_token has authorization details of a type that the client may not have: ${excessDetail.type}`,
    );
  }
  const narrowed = narrow(exchange);

  // 3. The tokens behind it.
  if (parentTokensOf(subjectToken).filter(({ isActor }) => !isActor).length >= maxExchanges) {
    throw new OAuthError(
      'invalid_request',
      `The subject_token was exchanged too many times: ${maxExchanges} exchanges lie behind it, and no more are allowed.`,
    );
  }
  return {
    client,
    ...narrowed,
    subject: subjectToken.subject,
    authorizationDetails: subjectToken.claims['authorization_details'] === undefined ? undefined : details,
    claims: {
      ...(act !== undefined && { act }),
      ...(may_act !== undefined && { may_act }),
      parent_tokens: parentTokensClaim(subjectToken, actorToken),
    },
  };
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

/** The same text for a revoked token and one of another client, so that no client finds out which tokens are active. */
export function rejectToken(name: TokenParameter, reason: ErrorReason | undefined): OAuthError {
  const text = `The ${name} is expired, revoked or not valid here, or this client may not exchange it.`;
  return new OAuthError('invalid_request', text, { reason });
}
