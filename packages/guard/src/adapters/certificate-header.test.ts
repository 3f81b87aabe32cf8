/** Headers in which proxies forward certificates. RFC 9440 §2.2. The certificate is that of RFC 8705, Appendix A. */
import { expect, test } from 'vitest';
import { certificateThumbprint } from '../crypto/node-keys.ts';
import { parseCertificateHeader } from './certificate-header.ts';

const base64 =
  'MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwE' +
  'bXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGG' +
  'WvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUa' +
  'KlLR50Q2DmFfQj1L+SY=';
const pem = `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
const escaped = encodeURIComponent(pem);

test.each([
  ['RFC 9440', `:${base64}:`],
  ['nginx', escaped],
  ['a proxy that escapes less', escaped.replaceAll('%2B', '+').replaceAll('%2F', '/').replaceAll('%3D', '=')],
  ['HAProxy', base64],
  ['Envoy', `By=spiffe://a/b;Hash=00ff;Cert="${escaped}";Subject="CN=\\"a\\",O=b";URI=`],
])('RFC 8705 §3.1 Appendix A the thumbprint of the example, from %s', (_proxy, header) => {
  const certificate = parseCertificateHeader(header);
  expect(certificate && certificateThumbprint(certificate.raw)).toBe('A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0');
});

test.each(['', ' '])('%j means that there is no certificate', (header) => {
  expect(parseCertificateHeader(header)).toBeUndefined();
});

test.each([
  ['two certificates', `:${base64}:, :${base64}:`],
  ['two in PEM', escaped + escaped],
  ['PEM of something else', encodeURIComponent(pem.replaceAll('CERTIFICATE', 'PUBLIC KEY'))],
  ['percent signs that escape nothing', `${escaped}%zz`],
  ['no certificate in base64', ':AAAA:'],
  ['a certificate that is cut short', `:${base64.slice(0, 100)}:`],
  ['two elements of Envoy', `Hash=00;Cert="${escaped}",Hash=11;Cert="${escaped}"`],
  ['two certificates in one element', `Cert="${escaped}";Cert="${escaped}"`],
  ['a certificate within a subject', `Subject="a;Cert=${escaped}"`],
  ['an element without a certificate', 'Hash=00ff'],
  ['quotes that do not close', `Cert="${escaped}`],
  ['text', 'CN=mtls'],
])('%s: invalid_request', (_name, header) => {
  expect(() => parseCertificateHeader(header)).toThrow(
    expect.objectContaining({ code: 'invalid_request', reason: 'certificate_malformed' }),
  );
});
