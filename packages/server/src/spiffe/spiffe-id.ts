/** SPIFFE IDs, and which of them a client has. SPIFFE-ID §2, draft-ietf-oauth-spiffe-client-auth-02 §5.1. */

/** A trust domain as the issuer of JWT-SVIDs that have no `iss`. */
const trustDomain = /^spiffe:\/\/[a-z0-9._-]{1,255}$/;

/** SPIFFE-ID §2.3: an ID has at most this many bytes. */
const maxLength = 2_048;

const segments = /^(?<domain>spiffe:\/\/[a-z0-9._-]{1,255})(?<path>(\/[A-Za-z0-9._-]+)+)$/;

/** The trust domain of a SPIFFE ID, as an issuer; undefined for any other text. */
export function findTrustDomain(spiffeId: string): string | undefined {
  const { domain, path } = (spiffeId.length > maxLength ? null : segments.exec(spiffeId))?.groups ?? {};
  // §2.2: a path has no relative segments.
  return path === undefined || /\/\.\.?(\/|$)/.test(path) ? undefined : domain;
}

/** Whether an issuer is a trust domain. */
export function isTrustDomain(issuer: string): boolean {
  return trustDomain.test(issuer);
}

/** Whether the text is a SPIFFE ID, or one that ends with `/*` and so stands for all below it. */
export function isSpiffeIdPattern(text: string): boolean {
  return findTrustDomain(sampleOf(text)) !== undefined;
}

/** Why a SPIFFE ID is none of the client's; undefined if it is one. The ID must be valid. */
export function findSpiffeIdFault(
  spiffeId: string,
  pattern: string,
): 'trust_domain_wrong' | 'spiffe_id_wrong' | undefined {
  const fits = pattern.endsWith('/*') ? spiffeId.startsWith(pattern.slice(0, -1)) : spiffeId === pattern;
  if (fits) {
    return undefined;
  }
  return findTrustDomain(spiffeId) === findTrustDomain(sampleOf(pattern)) ? 'spiffe_id_wrong' : 'trust_domain_wrong';
}

/** An ID that the pattern stands for. */
function sampleOf(pattern: string): string {
  return pattern.replace(/\/\*$/, '/any');
}
