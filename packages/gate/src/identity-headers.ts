/** The headers by which an API learns who calls it. RFC 9110 §5.5. */
import type { AccessToken } from '@postern/guard';

/**
 * Returns all headers, so that a gateway replaces whatever the caller sent under these names: those without a value are empty, and
 * all are without a token.
 */
export function identityHeaders(
  passOn: ReadonlyMap<string, string>,
  token: AccessToken | undefined,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, claim] of passOn) {
    headers[name] = token !== undefined && Object.hasOwn(token.claims, claim) ? toHeaderValue(token.claims[claim]) : '';
  }
  return headers;
}

const plain = /^(?! )[\x20-\x24\x26-\x7e]*(?<! )$/;

/** Text as it is, with everything that a header cannot carry, and `%`, percent-encoded as UTF-8. Other values as JSON. */
function toHeaderValue(claim: unknown): string {
  if (claim === null) {
    return '';
  }
  if (typeof claim !== 'string') {
    return JSON.stringify(claim).replaceAll(
      /[^\x20-\x7e]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  }
  return plain.test(claim) ? claim : claim.toWellFormed().replaceAll(/[^\x21-\x24\x26-\x7e]/gu, encodeURIComponent);
}
