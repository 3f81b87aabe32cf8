/** Public keys as a person pastes them. RFC 7517 §5. */
import type { TrustedIssuerBody } from '@postern/admin';

/** Throws if the text is not JSON; the server validates everything else. */
export function parseKeys(text: string): NonNullable<TrustedIssuerBody['jwks']> {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('The public keys are not JSON.');
  }
}
