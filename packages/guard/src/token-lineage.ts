/** The tokens that a token stands on: those it was exchanged for. RFC 8693 §2.1. */
import type { AccessToken } from './access-token.ts';
import { refuseToken } from './verify-access-token.ts';

/** An earlier token, as much of it as is needed to see whether it still stands. */
export type ParentToken = Pick<AccessToken, 'jti' | 'clientId' | 'generation' | 'audience'>;

/** The claim `parent_tokens` that a token exchanged for `tokens` carries: what those stand on, and they themselves. */
export function parentTokensClaim(tokens: readonly AccessToken[]): readonly object[] {
  return tokens
    .flatMap((token): ParentToken[] => [...parentTokensOf(token), token])
    .map(({ jti, clientId, generation, audience }) => ({ jti, client_id: clientId, gen: generation, aud: audience }));
}

/**
 * What a verified token stands on besides its own client; nothing for a token that was not got by exchange. Throws
 * `invalid_token` for a claim that cannot be read, since what it says cannot be checked then.
 *
 * Does not check whether any of it still stands.
 */
export function parentTokensOf(token: AccessToken): readonly ParentToken[] {
  const claim = token.claims['parent_tokens'];
  if (claim === undefined) {
    return [];
  }
  if (!Array.isArray(claim)) {
    throw refuseToken('claims_malformed');
  }
  return claim.map(readParentToken);
}

function readParentToken(entry: unknown): ParentToken {
  const { jti, client_id, gen, aud } = (entry ?? {}) as Record<string, unknown>;
  if (
    typeof jti !== 'string' ||
    typeof client_id !== 'string' ||
    typeof gen !== 'number' ||
    !Array.isArray(aud) ||
    !aud.every((one) => typeof one === 'string')
  ) {
    throw refuseToken('claims_malformed');
  }
  return { jti, clientId: client_id, generation: gen, audience: aud };
}
