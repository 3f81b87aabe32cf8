/** ASN.1 values that are malformed, or that nobody would put in a certificate. X.690. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findText, parseValue, requireMembers } from './asn1.ts';

const fromHex = (hex: string) => parseValue(Buffer.from(hex, 'hex'));

test('a value that is cut short anywhere, is too long, or is followed by another is rejected', () => {
  const der = Buffer.from('310b3009060355040613024445', 'hex');
  expect(requireMembers(parseValue(der))).toHaveLength(1);
  for (let length = 0; length < der.length; length += 1) {
    expect(() => parseValue(der.subarray(0, length))).toThrow(RangeError);
  }
  for (const hex of ['', '30', '30850000000001', '308400000001', '3081', '05000500', '30'.repeat(500)]) {
    expect(() => fromHex(hex)).toThrow(RangeError);
  }
});

test('values nested deeper than in any certificate are rejected', () => {
  const nested = (depth: number) =>
    Array.from({ length: depth }).reduce<Buffer>(
      (inner) => Buffer.concat([Buffer.from([0x30, inner.length]), inner]),
      Buffer.alloc(0),
    );
  expect(() => parseValue(nested(15))).not.toThrow();
  expect(() => parseValue(nested(30))).toThrow(RangeError);
});

test('only a value with members has members', () => {
  expect(() => requireMembers(undefined)).toThrow(RangeError);
  expect(() => requireMembers(fromHex('0500'))).toThrow(RangeError);
});

test.each([
  ['UTF8String', '0c02c3a4', 'ä'],
  ['PrintableString', '130161', 'a'],
  ['TeletexString', '1401e4', 'ä'],
  ['IA5String', '160161', 'a'],
  ['BMPString', '1e0200e4', 'ä'],
])('the text of a %s', (_type, hex, text) => {
  expect(findText(fromHex(hex))).toBe(text);
});

test.each([
  ['NULL', '0500'],
  ['OCTET STRING', '040161'],
  ['UTCTime', '170d3236303130313030303030305a'],
  ['a tag of the context', '800161'],
])('%s has no text', (_type, hex) => {
  expect(findText(fromHex(hex))).toBeUndefined();
});

test('any bytes are one value or a RangeError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseValue(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});
