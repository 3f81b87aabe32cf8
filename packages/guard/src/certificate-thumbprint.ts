/** Thumbprint of an X.509 certificate: `x5t#S256`. RFC 8705 §3.1. */
import { createHash } from 'node:crypto';

/** `der` is the certificate in DER. Says nothing about whether the certificate is valid or who made it. */
export function certificateThumbprint(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url');
}
