/** The key that a new token is bound to: a DPoP key (RFC 9449 §5) or the certificate of the client's connection (RFC 8705 §3). */
import { type Confirmation, type DpopPolicy, requireDpopNonce, verifyDpopProof } from '@postern/guard';
import { certificateThumbprint } from '@postern/guard/node';
import { type ErrorReason, OAuthError } from '@postern/protocol';
import type { ClientCertificate } from '../certificates/client-certificate.ts';
import type { DeferUse } from '../client-auth/authenticate.ts';
import { findUseFault } from '../client-auth/mutual-tls.ts';
import type { Client } from '../clients/client.ts';
import { allowsAlgorithm, requirementsOf } from '../clients/security-profile.ts';
import { createTurn } from '../turn.ts';

export interface SenderConstraintOptions {
  /** The URL of the token endpoint, as proofs must name it. */
  readonly tokenEndpoint: string;
  readonly dpop: DpopPolicy;
}

/** What in a request proves who sends it. */
export interface SenderEvidence {
  /** The `DPoP` header. */
  readonly dpopHeader: string | string[] | undefined;
  readonly certificate: ClientCertificate | undefined;
}

const takeTurn = createTurn();

/**
 * The binding of the token that is asked for; undefined for a plain bearer token. A proof is sent on purpose, so it
 * takes precedence over the certificate of the connection; if the metadata requires one of the two, the other is
 * rejected. The use of the proof is deferred. Rejects with `invalid_dpop_proof`, `use_dpop_nonce` and, about certificates, `invalid_request`.
 */
export async function bindToSender(
  client: Client,
  { dpopHeader, certificate }: SenderEvidence,
  nowSeconds: number,
  options: SenderConstraintOptions,
  deferUse: DeferUse,
): Promise<Confirmation | undefined> {
  const { dpopBoundAccessTokens, tlsClientCertificateBoundAccessTokens } = client.metadata;
  if (dpopHeader !== undefined) {
    if (tlsClientCertificateBoundAccessTokens === true) {
      throw toError('tokens of this client are bound to its certificate, so it must send no DPoP proof', 'proof_wrong');
    }
    return bindToProof(client, dpopHeader, nowSeconds, options, deferUse);
  }
  if (dpopBoundAccessTokens === true) {
    throw new OAuthError('invalid_dpop_proof', 'This client must send a DPoP proof in the DPoP header.', {
      reason: 'proof_missing',
    });
  }
  if (tlsClientCertificateBoundAccessTokens === true) {
    return bindToCertificate(client, certificate, nowSeconds, 'a client certificate');
  }
  if (requirementsOf(client)?.bindsTokens === true) {
    return bindToCertificate(client, certificate, nowSeconds, 'a DPoP proof or a client certificate');
  }
  return undefined;
}

async function bindToProof(
  client: Client,
  dpopHeader: string | string[],
  nowSeconds: number,
  { tokenEndpoint, dpop }: SenderConstraintOptions,
  deferUse: DeferUse,
): Promise<Confirmation> {
  const proof = await verifyDpopProof(String(dpopHeader), { method: 'POST', url: tokenEndpoint, nowSeconds, takeTurn });
  if (!allowsAlgorithm(requirementsOf(client), proof.alg)) {
    throw new OAuthError(
      'invalid_dpop_proof',
      `The client's security_profile excludes proofs signed by ${proof.alg}.`,
      {
        reason: 'algorithm_not_allowed',
      },
    );
  }
  if (dpop.nonces !== undefined) {
    requireDpopNonce(proof.nonce, dpop.nonces);
  }
  deferUse(async () => {
    if (!(await dpop.useProof(proof.jkt, proof.jti, proof.expiresAt, client.id))) {
      throw new OAuthError('invalid_dpop_proof', 'The DPoP proof was used before.', { reason: 'token_replayed' });
    }
  });
  return { jkt: proof.jkt };
}

function bindToCertificate(
  client: Client,
  certificate: ClientCertificate | undefined,
  nowSeconds: number,
  required: string,
): Confirmation {
  if (certificate === undefined) {
    throw toError(`this client must send ${required}`, 'certificate_missing');
  }
  const fault = findUseFault(client, certificate, nowSeconds * 1000);
  if (fault !== undefined) {
    throw toError('its client certificate is expired, or of a kind that is not allowed', fault);
  }
  return { x5tS256: certificateThumbprint(certificate.certificate.raw) };
}

function toError(text: string, reason: ErrorReason): OAuthError {
  return new OAuthError('invalid_request', `The token would not be bound to its sender: ${text}.`, { reason });
}
