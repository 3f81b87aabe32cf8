/** Compact JWS as text: one text, one token. RFC 7515 §3.1 and §7.1. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeJws } from './jws.ts';

const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64url');
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 5 }).map((value) => ({ ...value }));
const signature = fc.uint8Array({ minLength: 1, maxLength: 80 });
const token = fc
  .tuple(object, object, signature)
  .map(([header, payload, bytes]) =>
    [base64url(JSON.stringify(header)), base64url(JSON.stringify(payload)), base64url(bytes)].join('.'),
  );

/** A token's text with something done to it at one place. */
const edited = fc
  .tuple(token, fc.nat(), fc.constantFrom(...alphabet, '=', '.', ' ', '+', '/', '\n', '%', 'é'))
  .chain(([text, place, character]) => {
    const at = place % (text.length + 1);
    return fc.constantFrom(
      text.slice(0, at) + character + text.slice(at),
      text.slice(0, at) + character + text.slice(at + 1),
      text.slice(0, at) + text.slice(at + 1),
    );
  });

describe('RFC 7515 §7.1 compact serialization', () => {
  test('a token is decoded into header, payload, signing input and signature', () => {
    fc.assert(
      fc.property(object, object, signature, (header, payload, bytes) => {
        const signingInput = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`;
        expect(decodeJws(`${signingInput}.${base64url(bytes)}`)).toEqual({
          header: JSON.parse(JSON.stringify(header)),
          payload: JSON.parse(JSON.stringify(payload)),
          signingInput: new TextEncoder().encode(signingInput),
          signature: bytes,
        });
      }),
    );
  });

  test('no two different texts decode alike', () => {
    fc.assert(
      fc.property(fc.oneof(token, edited), (text) => {
        const jws = decodeJws(text);
        if (jws !== undefined) {
          const signingInput = Buffer.from(jws.signingInput).toString();
          expect(`${signingInput}.${base64url(jws.signature)}`).toBe(text);
          expect(signingInput).toMatch(/^[\w-]+\.[\w-]+$/);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('RFC 4648 §3.5 the unused bits of the last character must be zero', () => {
    const head = `${base64url('{}')}.${base64url('{}')}`;
    const accepted = [...alphabet].filter((last) => decodeJws(`${head}.A${last}`) !== undefined);
    expect(accepted).toEqual(['A', 'Q', 'g', 'w']);
  });

  test.each([
    ['nothing', ''],
    ['one part', 'e30'],
    ['two parts', 'e30.e30'],
    ['four parts', 'e30.e30.AA.AA'],
    ['five parts, as an encrypted token has', 'e30.AA.AA.AA.AA'],
    ['an empty header', '.e30.AA'],
    ['an empty payload', 'e30..AA'],
    ['an empty signature', 'e30.e30.'],
    ['padding', 'e30=.e30.AA'],
    ['padding at the end', 'e30.e30.AA=='],
    ['classic base64', `${base64url('{"a":"?"}')}.e30.+/+/`],
    ['a space before', ' e30.e30.AA'],
    ['a line end after', 'e30.e30.AA\n'],
    ['a header that is no JSON', `${base64url('{')}.e30.AA`],
    ['a header that is an array', `${base64url('[]')}.e30.AA`],
    ['a header that is null', `${base64url('null')}.e30.AA`],
    ['a payload that is a string', `e30.${base64url('"x"')}.AA`],
    ['a payload that is a number', `e30.${base64url('1')}.AA`],
    ['a character that is A but for its upper byte', `e30.e30.\u0141A`],
    ['a byte order mark', `${base64url('\ufeff{}')}.e30.AA`],
    ['a header that is not UTF-8', `${base64url(Buffer.from('{"a":"\xff"}', 'latin1'))}.e30.AA`],
    ['a payload that is not UTF-8', `e30.${base64url(Buffer.from('{"a":"\xe9"}', 'latin1'))}.AA`],
    [
      'a payload with a character that is longer than it must be',
      `e30.${base64url(Buffer.from('{"a":"\xc0\xaf"}', 'latin1'))}.AA`,
    ],
    ['megabytes of dots', '.'.repeat(4_000_000)],
    ['megabytes of letters', 'A'.repeat(4_000_000)],
    ['megabytes of signature', `e30.e30.${'='.repeat(4_000_000)}`],
  ])('%s is no token', (_, text) => {
    expect(decodeJws(text)).toBeUndefined();
  });

  test('__proto__ in a payload is a member like any other', () => {
    const jws = decodeJws(`e30.${base64url('{"__proto__":{"iss":"x"}}')}.AA`);
    expect(jws?.payload['iss']).toBeUndefined();
  });
});
