/** Client metadata about SPIFFE: which SVIDs are the client's, and what verifies them. draft-ietf-oauth-spiffe-client-auth-02 §5.1. */
import { OAuthError } from '@postern/protocol';
import { findPlaceholder } from '../claims/placeholder.ts';
import { countUsableKeys } from '../spiffe/bundle.ts';
import { isSpiffeIdPattern } from '../spiffe/spiffe-id.ts';

interface SpiffeMetadata {
  readonly tokenEndpointAuthMethod?: string;
  readonly spiffeId?: string;
  readonly spiffeBundleEndpoint?: string;
  readonly spiffeBundle?: object;
}

/** Throws `invalid_parameter` if a client of a SPIFFE method has no SPIFFE ID, or not exactly one bundle that can verify it. */
export function requireSpiffeMetadata(metadata: SpiffeMetadata): void {
  const { tokenEndpointAuthMethod: method, spiffeId, spiffeBundleEndpoint, spiffeBundle } = metadata;
  const placeholder = spiffeId === undefined ? undefined : findPlaceholder(spiffeId);
  if (placeholder !== undefined) {
    throw invalid(`spiffe_id: '${placeholder}' is a placeholder; write your own name instead.`);
  }
  if (spiffeId !== undefined && !isSpiffeIdPattern(spiffeId)) {
    throw invalid(
      'spiffe_id: must be a SPIFFE ID, such as spiffe://example.org/ns/billing/sa/worker, or one that ends with /* and stands for all below it.',
    );
  }
  if (spiffeBundleEndpoint !== undefined && spiffeBundle !== undefined) {
    throw invalid('spiffe_bundle: the bundle is given by spiffe_bundle or by spiffe_bundle_endpoint, not by both.');
  }
  if (spiffeBundleEndpoint !== undefined && URL.parse(spiffeBundleEndpoint)?.protocol !== 'https:') {
    throw invalid('spiffe_bundle_endpoint: must be an https URL.');
  }
  if (method !== 'spiffe_jwt' && method !== 'spiffe_x509') {
    return;
  }
  if (spiffeId === undefined) {
    throw invalid(`spiffe_id: ${method} needs the SPIFFE ID of the client.`);
  }
  if (spiffeBundleEndpoint === undefined && spiffeBundle === undefined) {
    throw invalid(
      `spiffe_bundle_endpoint: ${method} needs the bundle of the trust domain, at spiffe_bundle_endpoint or in spiffe_bundle.`,
    );
  }
  const use = method === 'spiffe_jwt' ? 'jwt-svid' : 'x509-svid';
  if (spiffeBundle !== undefined && countUsableKeys(spiffeBundle, use) === 0) {
    throw invalid(`spiffe_bundle: ${method} needs a key with the use ${use}.`);
  }
}

function invalid(text: string): OAuthError {
  return new OAuthError('invalid_parameter', text);
}
