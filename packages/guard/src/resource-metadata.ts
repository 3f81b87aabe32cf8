/** What an API says of itself: whose tokens it takes, and how. RFC 9728 §2 and §3. */
import { dpopAlgorithms, type ProtectedResourceMetadata, wellKnownUrl } from '@postern/protocol';
import type { Answer } from './refusal.ts';

export interface ResourceDescription {
  /** For people. */
  readonly name?: string;
  /** URL of the API's manual. */
  readonly documentation?: string;
  /** Scopes that its calls need, as far as it wants to say. */
  readonly scopes?: readonly string[];
}

/** A document, and where it stands. */
export interface ResourceMetadata {
  readonly url: string;
  /** The path of `url`. */
  readonly path: string;
  readonly document: ProtectedResourceMetadata;
}

/** Undefined for an audience that is no https URL (or http to this machine): RFC 9728 §1.2 knows no other resources. */
export function describeResource(
  audience: string,
  issuer: string,
  { name, documentation, scopes }: ResourceDescription,
): ResourceMetadata | undefined {
  if (!/^https?:$/.test(URL.parse(audience)?.protocol ?? '')) {
    return undefined;
  }
  const url = wellKnownUrl('oauth-protected-resource', audience);
  return {
    url,
    path: new URL(url).pathname,
    document: {
      resource: audience,
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: dpopAlgorithms,
      ...(scopes !== undefined && { scopes_supported: scopes }),
      ...(name !== undefined && { resource_name: name }),
      ...(documentation !== undefined && { resource_documentation: documentation }),
    },
  };
}

/** The document as an answer, for a request that asks for it; undefined for any other. */
export function metadataAnswer(
  metadata: ResourceMetadata | undefined,
  method: string | undefined,
  path: string,
): Answer | undefined {
  if (metadata === undefined || (method !== 'GET' && method !== 'HEAD') || path.split('?', 1)[0] !== metadata.path) {
    return undefined;
  }
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'public, max-age=300',
      'access-control-allow-origin': '*',
    },
    body: JSON.stringify(metadata.document),
  };
}
