/**
 * Reads the header in which a proxy passes on the certificate of a client. RFC 9440 §2.2, and what proxies send
 * besides: nginx and others PEM in percent-encoding, HAProxy DER in base64, Envoy a list of properties.
 */
import { X509Certificate } from 'node:crypto';
import { OAuthError } from '@postern/protocol';

/**
 * The certificate in a header, or undefined for an empty one, which is how some proxies say that there was none. Throws
 * `invalid_request` for anything that is not exactly one certificate.
 *
 * Does not check who sent the header, nor anything in the certificate.
 */
export function parseCertificateHeader(header: string): X509Certificate | undefined {
  const text = header.trim();
  if (text === '') {
    return undefined;
  }
  try {
    return new X509Certificate(readEncoded(text));
  } catch (cause) {
    throw new OAuthError('invalid_request', 'The header of the proxy does not hold one client certificate.', {
      reason: 'certificate_malformed',
      cause,
    });
  }
}

/** The bytes of DER or the text of PEM. The forms cannot be mistaken for each other: none starts as another does. */
function readEncoded(text: string): Buffer | string {
  if (text.startsWith(':')) {
    const base64 = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(text)?.[1];
    return Buffer.from(base64 ?? refuse(), 'base64');
  }
  if (text.startsWith('-----')) {
    return readPem(text);
  }
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    return Buffer.from(text, 'base64');
  }
  return readPem(findProperty(text, 'cert') ?? refuse());
}

function readPem(encoded: string): string {
  const pem = decodeURIComponent(encoded);
  return /^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/.test(pem) ? pem : refuse();
}

/**
 * A property of Envoy's `X-Forwarded-Client-Cert`: `Hash=...;Cert="..."`. A second element after a comma would be what
 * another proxy, or the caller itself, said before: there must be none.
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

function refuse(): never {
  throw new SyntaxError('not one certificate');
}
