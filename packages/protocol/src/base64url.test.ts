/** Base64url: the bytes that Node reads, and one text for each. RFC 4648 §3.5 and §5, RFC 7515 §2. */
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as base64url from './base64url.ts';

/** Between other text, as in a token. */
const decodeBase64Url = (text: string) =>
  base64url.decodeBase64Url(Buffer.from(`=${text}=`, 'latin1'), 1, text.length + 1);
const decodeBase64UrlText = (text: string) =>
  base64url.decodeBase64UrlText(Buffer.from(text, 'latin1'), 0, text.length);

const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });

test('bytes that Node encoded are decoded to the same bytes', () => {
  fc.assert(
    fc.property(bytes, (value) => {
      expect(decodeBase64Url(Buffer.from(value).toString('base64url'))).toEqual(value);
    }),
  );
});

test('bytes are encoded as Node encodes them, and decoded from a whole text', () => {
  fc.assert(
    fc.property(bytes, (value) => {
      const text = base64url.encodeBase64Url(value);
      expect(text).toBe(Buffer.from(value).toString('base64url'));
      expect(base64url.decodeBase64UrlString(text)).toEqual(value);
      expect(base64url.decodeBase64UrlString(`${text}é`)).toBeUndefined();
    }),
  );
});

test('text of any characters and any length is decoded to the same text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.constantFrom(1, 3_000), (value, times) => {
      const text = value.toWellFormed().repeat(times);
      expect(decodeBase64UrlText(Buffer.from(text).toString('base64url'))).toBe(text);
    }),
  );
});

test('RFC 4648 §3.5 text that Node would not have written is rejected', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ABQgwz019-_=+/ .é'), maxLength: 12 }), (text) => {
      const decoded = Buffer.from(text, 'base64url');
      const canonical = text !== '' && decoded.toString('base64url') === text;
      expect(decodeBase64Url(text) !== undefined).toBe(canonical);
      expect(decodeBase64UrlText(text) !== undefined).toBe(canonical && isUtf8(decoded));
    }),
    { numRuns: 2_000 },
  );
});

test('decoding one text does not change the bytes of an earlier one', () => {
  const first = decodeBase64Url('AAAA');
  decodeBase64Url('____');
  expect(first).toEqual(new Uint8Array(3));
});
