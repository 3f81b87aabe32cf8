/** Thumbprint of an X.509 certificate: `x5t#S256`. RFC 8705 §3.1. */
import { createHash } from 'node:crypto';

/** Returns the thumbprint of a certificate in DER, in base64url. Does not check whether it is valid, or who issued it. */
export function certificateThumbprint(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url');
}
