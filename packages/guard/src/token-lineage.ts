/** Token lineage: the tokens that were exchanged for a token. RFC 8693 §2.1. */
import type { AccessToken } from './access-token.ts';
import { invalidTokenError } from './verify-access-token.ts';

/** The parts of an earlier token that are needed to check whether it is still active. */
export type ParentToken = Pick<AccessToken, 'jti' | 'kid' | 'clientId' | 'generation' | 'audience'>;

/** Returns the claim `parent_tokens` of a token for which `tokens` are exchanged: their parents, and they themselves. */
export function parentTokensClaim(tokens: readonly (ParentToken & Pick<AccessToken, 'claims'>)[]): readonly object[] {
  return tokens
    .flatMap((token): ParentToken[] => [...parentTokensOf(token), token])
    .map(({ jti, kid, clientId, generation, audience }) => ({
      jti,
      kid,
      client_id: clientId,
      gen: generation,
      aud: audience,
    }));
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
  const { jti, kid, client_id, gen, aud } = (entry ?? {}) as Record<string, unknown>;
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
  return { jti, kid, clientId: client_id, generation: gen, audience: aud };
}
