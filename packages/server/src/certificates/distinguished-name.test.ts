/** Distinguished names in text and in certificates. RFC 4514, RFC 5280 §7.1. */
import { expect, test } from 'vitest';
import { parseValue } from './asn1.ts';
import { isSameName, parseDistinguishedName, readDistinguishedName } from './distinguished-name.ts';

function isSame(one: string, other: string): boolean {
  const [a, b] = [parseDistinguishedName(one), parseDistinguishedName(other)];
  if (a === undefined || b === undefined) {
    throw new Error(`not a name: ${a === undefined ? one : other}`);
  }
  return isSameName(a, b);
}

test.each([
  ['short names, long names and identifiers of types', 'CN=a,ST=b', '2.5.4.3=a,stateOrProvinceName=b'],
  ['the case of types', 'cn=a,dc=b', 'CN=a,DC=b'],
  ['the case of ASCII letters and the amount of white space', 'O=Example  Ltd', 'O=example LTD'],
  ['white space between the parts', 'CN=a,O=b', 'CN = a , O = b'],
  ['the order within one relative name', 'OU=a+CN=b,O=c', 'CN=b+OU=a,O=c'],
  ['§2.4 the kinds of escapes', 'O=a\\, b\\+c\\"\\\\', 'O=a\\2C b\\2bc\\22\\5C'],
  ['§2.4 UTF-8 in escapes', 'CN=Lu\\C4\\8Di\\C4\\87', 'CN=Lučić'],
  ['§2.4 a value in hexadecimal', 'CN=#0c0161', 'CN=a'],
  ['§2.4 a value in hexadecimal, in another type of string', 'CN=#130161', 'CN=#0c0161'],
  ['an escaped backslash before digits', 'CN=\\\\41', 'CN=\\5C41'],
])('these do not matter: %s', (_name, one, other) => {
  expect(isSame(one, other)).toBe(true);
});

test.each([
  ['another order', 'CN=a,O=b', 'O=b,CN=a'],
  ['one relative name or two', 'CN=a+OU=b', 'CN=a,OU=b'],
  ['one more attribute', 'CN=a,O=b', 'CN=a'],
  ['an escaped comma and a real one', 'CN=a\\,O\\=b', 'CN=a,O=b'],
  ['another type', 'CN=a', 'OU=a'],
  ['another letter', 'CN=a', 'CN=ä'],
  ['the case of other letters', 'CN=Ä', 'CN=ä'],
  ['the case of a value of an unknown type', '1.2.3=a', '1.2.3=A'],
  ['a value that is not text, and text that looks like it', 'CN=#0500', 'CN=\\#0500'],
])('these matter: %s', (_name, one, other) => {
  expect(isSame(one, other)).toBe(false);
});

test.each([
  '',
  'a',
  'CN',
  '=a',
  'CN=a,',
  ',CN=a',
  'CN=a+',
  'FOO=a',
  'CN=a"b',
  'CN=a;O=b',
  'CN=a<b',
  'CN=\\',
  'CN=\\zz',
  'CN=#0',
  'CN=#zz',
  'CN=#0c05',
  'CN=a\0',
  '2.5.=a',
  '1.=a',
])('is not a name: %j', (text) => {
  expect(parseDistinguishedName(text)).toBeUndefined();
});

test('RFC 5280 §4.1.2.4 a name in DER equals the same name in text', () => {
  // C is a PrintableString, O a TeletexString, CN a BMPString, and UID a UTF8String.
  const der = Buffer.from(
    '303c310b3009060355040613024445310f300d060355040a14064dfc6c6c6572311c300906035504031e0200e4300f060a0992268993f22c6401010c0137',
    'hex',
  );
  expect(readDistinguishedName(parseValue(der))).toEqual(parseDistinguishedName('UID=7+CN=ä,O=Müller,C=DE'));
});
