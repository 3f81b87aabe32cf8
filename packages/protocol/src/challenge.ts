/** `WWW-Authenticate` challenges. RFC 9110 §11.6.1, RFC 7617 §2, RFC 6750 §3, RFC 9728 §5.1. */
import type { OAuthError } from './oauth-error.ts';

const realm = 'Postern';

/**
 * Algorithms that DPoP proofs may be signed with, for challenges and metadata. RFC 9449 §5.1 and §7.1. Ed25519 is the
 * newer name of EdDSA (RFC 9864 §2.2), which some clients use and no other.
 */
export const dpopAlgorithms = ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'] as const;

/**
 * The challenge that belongs to an error, or undefined if none is due: `Basic` only for a caller that used
 * Basic (clients read the code from a challenge instead of the body when there is one), `Bearer` for every
 * refused or missing token. A missing token gets no error code (RFC 6750 §3.1).
 */
export function challengeFor(error: OAuthError): string | undefined {
  switch (error.code) {
    case 'invalid_client':
      return error.scheme === 'Basic'
        ? formatChallenge('Basic', { realm, charset: 'UTF-8', error: error.code, error_description: error.message })
        : undefined;
    case 'missing_token':
      return formatChallenge('Bearer', { realm, resource_metadata: error.resourceMetadata });
    case 'invalid_token':
    case 'insufficient_scope':
      return formatTokenChallenge(error);
    case 'invalid_dpop_proof':
    case 'use_dpop_nonce':
      return error.scheme === 'DPoP' ? formatTokenChallenge(error) : undefined;
    default:
      return undefined;
  }
}

function formatTokenChallenge(error: OAuthError): string {
  const params = {
    realm,
    error: error.code,
    error_description: error.message,
    scope: error.scope,
    resource_metadata: error.resourceMetadata,
  };
  return error.scheme === 'DPoP'
    ? formatChallenge('DPoP', { ...params, algs: dpopAlgorithms.join(' ') })
    : formatChallenge('Bearer', params);
}

function formatChallenge(scheme: string, params: Record<string, string | undefined>): string {
  const pairs = Object.entries(params).filter(([, value]) => value !== undefined);
  return `${scheme} ${pairs.map(([name, value]) => `${name}="${value}"`).join(', ')}`;
}
