/** What a new token is bound to: the key of the DPoP proof that comes with the request. RFC 9449 §5. */
import { type Confirmation, type DpopPolicy, requireDpopNonce, verifyDpopProof } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import type { Client } from '../clients/client.ts';

export interface SenderConstraintOptions {
  /** The URL of the token endpoint, as proofs must name it. */
  readonly tokenEndpoint: string;
  readonly dpop: DpopPolicy;
}

/**
 * The binding of the token that is asked for; undefined for a plain bearer token. Uses the proof up. Throws
 * `invalid_dpop_proof` for a bad proof, and where the client must have one and sends none; `use_dpop_nonce`.
 */
export async function bindToSender(
  client: Client,
  dpopHeader: string | string[] | undefined,
  nowSeconds: number,
  { tokenEndpoint, dpop }: SenderConstraintOptions,
): Promise<Confirmation | undefined> {
  if (dpopHeader === undefined) {
    if (client.metadata.dpop_bound_access_tokens === true) {
      throw new OAuthError('invalid_dpop_proof', 'This client must send a DPoP proof in the DPoP header.', {
        reason: 'proof_missing',
      });
    }
    return undefined;
  }
  const proof = verifyDpopProof(String(dpopHeader), { method: 'POST', url: tokenEndpoint, nowSeconds });
  if (dpop.nonces !== undefined) {
    requireDpopNonce(proof.nonce, dpop.nonces);
  }
  if (!(await dpop.useProof(proof.jkt, proof.jti, proof.expiresAt))) {
    throw new OAuthError('invalid_dpop_proof', 'The DPoP proof was used before.', { reason: 'token_replayed' });
  }
  return { jkt: proof.jkt };
}
