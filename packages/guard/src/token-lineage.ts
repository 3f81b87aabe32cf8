/** Token lineage: the tokens that were exchanged for a token. RFC 8693 §2.1. */
import type { AccessToken } from './access-token.ts';
import { invalidTokenError } from './verify-access-token.ts';

/** The parts of an earlier token that are needed to check whether it is still active. */
export interface ParentToken extends Pick<AccessToken, 'jti' | 'kid' | 'clientId' | 'generation' | 'audience'> {
  /** Whether it only said who acts, and was not itself exchanged for another token. */
  readonly isActor: boolean;
}

type ExchangedToken = Omit<ParentToken, 'isActor'> & Pick<AccessToken, 'claims'>;

/** Returns the claim `parent_tokens` of a token for which `subject` is exchanged: its parents, itself, and the actor token if there is one. */
export function parentTokensClaim(subject: ExchangedToken, actor?: ExchangedToken): readonly object[] {
  const parents = [...parentTokensOf(subject), { ...subject, isActor: false }];
  return [...parents, ...(actor === undefined ? [] : [{ ...actor, isActor: true }])].map(
    ({ jti, kid, clientId, generation, audience, isActor }) => ({
      jti,
      kid,
      client_id: clientId,
      gen: generation,
      aud: audience,
      ...(isActor && { actor: true }),
    }),
  );
}

/**
 * Returns the tokens that were exchanged for a verified token; none if it was not issued by token exchange. Throws
 * `invalid_token` if the claim is malformed, since its tokens cannot be checked then.
 *
 * Does not check whether any of them is still active.
 */
export function parentTokensOf(token: Pick<AccessToken, 'claims'>): readonly ParentToken[] {
  const claim = token.claims['parent_tokens'];
  if (claim === undefined) {
    return [];
  }
  if (!Array.isArray(claim)) {
    throw invalidTokenError('claims_malformed');
  }
  return claim.map(readParentToken);
}

function readParentToken(entry: unknown): ParentToken {
  const { jti, kid, client_id, gen, aud, actor } = (entry ?? {}) as Record<string, unknown>;
  if (
    typeof jti !== 'string' ||
    typeof kid !== 'string' ||
    typeof client_id !== 'string' ||
    typeof gen !== 'number' ||
    !Array.isArray(aud) ||
    !aud.every((one) => typeof one === 'string')
  ) {
    throw invalidTokenError('claims_malformed');
  }
  return { jti, kid, clientId: client_id, generation: gen, audience: aud, isActor: actor === true };
}
