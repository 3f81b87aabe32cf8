/**
 * Parses the header in which a proxy forwards a client certificate: as in RFC 9440 §2.2, percent-encoded PEM (nginx and
 * others), base64 of DER (HAProxy), or a list of properties (Envoy).
 */
import { X509Certificate } from 'node:crypto';
import { OAuthError } from '@postern/protocol';

/**
 * Returns the certificate in a header, or undefined for an empty header, which some proxies send without a certificate.
 * Throws `invalid_request` for anything that is not exactly one certificate.
 *
 * Does not check who sent the header, nor anything in the certificate.
 */
export function parseCertificateHeader(header: string): X509Certificate | undefined {
  const text = header.trim();
  if (text === '') {
    return undefined;
  }
  try {
    const encoded = findEncoded(text);
    if (encoded === undefined) {
      throw new SyntaxError('not exactly one certificate');
    }
    return new X509Certificate(encoded);
  } catch (cause) {
    throw new OAuthError('invalid_request', 'The header of the proxy does not have exactly one client certificate.', {
      reason: 'certificate_malformed',
      cause,
    });
  }
}

/** Returns DER as bytes or PEM as text. The forms are unambiguous, since each starts differently. */
function findEncoded(text: string): Buffer | string | undefined {
  if (text.startsWith(':')) {
    const base64 = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(text)?.[1];
    return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
  }
  if (text.startsWith('-----')) {
    return findPem(text);
  }
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    return Buffer.from(text, 'base64');
  }
  const cert = findProperty(text, 'cert');
  return cert === undefined ? undefined : findPem(cert);
}

function findPem(encoded: string): string | undefined {
  const pem = decodeURIComponent(encoded);
  return /^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/.test(pem) ? pem : undefined;
}

/**
 * Returns a property of Envoy's `X-Forwarded-Client-Cert`: `Hash=...;Cert="..."`. Undefined if there is a second element
 * after a comma, which would come from another proxy, or from the caller.
 */
function findProperty(text: string, name: string): string | undefined {
  const element = /^[A-Za-z]+=(?:"(?:[^"\\]|\\.)*"|[^",;]*)(?:;[A-Za-z]+=(?:"(?:[^"\\]|\\.)*"|[^",;]*))*$/;
  if (!element.test(text)) {
    return undefined;
  }
  const properties = text.matchAll(/([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))(?:;|$)/g);
  const values = [...properties]
    .filter(([, key]) => key?.toLowerCase() === name)
    .map(([, , quoted, bare]) => quoted ?? bare);
  return values.length === 1 ? values[0] : undefined;
}
