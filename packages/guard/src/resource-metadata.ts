/** The metadata of an API: whose tokens it accepts, and how. RFC 9728 §2 and §3. */
import { dpopAlgorithms, omitEmptyLists, type ProtectedResourceMetadata, wellKnownUrl } from '@postern/protocol';
import type { Answer } from './error-answer.ts';

export interface ResourceDescription {
  /** Name for people. */
  readonly name?: string;
  /** URL of the documentation of the API. */
  readonly documentation?: string;
  /** Scopes that its calls require, as far as they should be public. */
  readonly scopes?: readonly string[];
}

/** A document, and where it is served. */
export interface ResourceMetadata {
  readonly url: string;
  /** The path of `url`. */
  readonly path: string;
  readonly document: ProtectedResourceMetadata;
}

/** Returns undefined for an audience that is not an http or https URL: RFC 9728 §1.2 defines no other resources. */
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
    document: omitEmptyLists<ProtectedResourceMetadata>({
      resource: audience,
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: dpopAlgorithms,
      ...(scopes !== undefined && { scopes_supported: scopes }),
      ...(name !== undefined && { resource_name: name }),
      ...(documentation !== undefined && { resource_documentation: documentation }),
    }),
  };
}

/** Returns the document as an answer to a request for it, and undefined for any other request. */
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
