/** The names of certificates, damaged ones among them. RFC 5280 §4.1.2.6 and §4.2.1.6. */
import type { X509Certificate } from 'node:crypto';
import { createIdentity } from '@postern/testing/certificates';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { parseNames } from '../src/certificates/certificate-names.ts';
import { parseDistinguishedName } from '../src/certificates/distinguished-name.ts';

let certificate: X509Certificate;
beforeAll(async () => {
  const { x509 } = await createIdentity({
    subject: [{ C: ['DE'] }, { O: ['Example, Inc.'] }, { CN: ['billing'] }],
    san: [
      { type: 'dns', value: 'billing.example.com' },
      { type: 'url', value: 'spiffe://example.com/billing' },
      { type: 'email', value: 'billing@example.com' },
      { type: 'ip', value: '10.0.0.1' },
      { type: 'ip', value: '2001:db8::1' },
    ],
  });
  certificate = x509;
});

test('all names are parsed by their kind', () => {
  expect(parseNames(certificate)).toEqual({
    subject: parseDistinguishedName('CN=billing,O=Example\\, Inc.,C=DE'),
    dns: ['billing.example.com'],
    uri: ['spiffe://example.com/billing'],
    email: ['billing@example.com'],
    ip: ['10.0.0.1', '2001:db8::1'],
  });
});

test('a certificate without alternative names has none', async () => {
  const { x509 } = await createIdentity({ subject: [{ CN: ['plain'] }] });
  expect(parseNames(x509)).toEqual({
    subject: parseDistinguishedName('CN=plain'),
    dns: [],
    uri: [],
    email: [],
    ip: [],
  });
});

test('a damaged certificate gives names or a RangeError', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 });
  let count = 0;
  fc.assert(
    fc.property(damage, fc.nat(), fc.boolean(), (changes, length, isCut) => {
      const raw = Buffer.from(certificate.raw);
      for (const [place, byte] of changes) {
        raw[place % raw.length] = byte;
      }
      count += 1;
      const damaged = { raw: isCut ? raw.subarray(0, length % raw.length) : raw, fingerprint256: `damaged ${count}` };
      try {
        parseNames(damaged as X509Certificate);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { numRuns: 1_000 },
  );
});
