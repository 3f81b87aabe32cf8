/** Form bodies. RFC 6749 §3.2 and appendix B. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseForm } from './form.ts';

const controls = Array.from({ length: 0x20 }, (_, i) => String.fromCodePoint(i)).concat('\x7f');
const uselessControls = controls.filter((character) => !'\t\n\r'.includes(character));

/** Text that a form may carry: no halves of surrogate pairs, no control characters but tab and line ends. */
const text = fc
  .string({ unit: fc.oneof(fc.nat(0x7e), fc.nat(0x10ffff)).map((code) => String.fromCodePoint(code)), maxLength: 40 })
  .map((value) => uselessControls.reduce((rest, character) => rest.replaceAll(character, ''), value.toWellFormed()));
const parameters = fc.uniqueArray(fc.tuple(text, text), { maxLength: 64, selector: ([name]) => name });

const refused = (detail: string | RegExp) =>
  expect.objectContaining({ code: 'invalid_request', message: expect.stringMatching(detail) });

describe('RFC 6749 appendix B, application/x-www-form-urlencoded', () => {
  test('what a browser encoded is decoded, without the parameters that have no value', () => {
    fc.assert(
      fc.property(parameters, (pairs) => {
        const sent = parseForm(new URLSearchParams(pairs).toString());
        expect([...sent]).toEqual(pairs.filter(([, value]) => value !== ''));
      }),
    );
  });

  test('percent-encoding and plus mean the same as the characters they stand for', () => {
    expect(parseForm('%73cope=a+b%20c')).toEqual(new Map([['scope', 'a b c']]));
    expect(parseForm('a=b=c&d')).toEqual(new Map([['a', 'b=c']]));
    expect(parseForm('__proto__=1&constructor=2').get('constructor')).toBe('2');
    expect(parseForm('')).toEqual(new Map());
  });

  test('any text is decoded, or is invalid_request', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'&&==%+aA0F\x00\ud800é'), maxLength: 80 }), (body) => {
        try {
          for (const [name, value] of parseForm(body)) {
            expect([typeof name, typeof value, value === '']).toEqual(['string', 'string', false]);
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_request' });
        }
      }),
    );
  });

  test.each([
    ['broken percent-encoding', 'a=%'],
    ['percent-encoding of something else', 'a=%zz'],
    ['half a surrogate pair', 'a=%ED%A0%80'],
    ['an overlong encoding', 'a=%C0%80'],
    ['bytes of another charset', 'a=%E9'],
    ['the same in a name', '%E9=a'],
  ])('%s is invalid_request', (_, body) => {
    expect(() => parseForm(body)).toThrow(refused(/percent-encoded UTF-8/));
  });

  test('control characters are invalid_request, also percent-encoded and in names', () => {
    for (const character of uselessControls) {
      for (const body of [
        `a=x${character}`,
        `a=${encodeURIComponent(character)}`,
        `${encodeURIComponent(character)}=a`,
      ]) {
        expect(() => parseForm(body)).toThrow(refused(/control character/));
      }
    }
  });
});

describe('RFC 6749 §3.2 request parameters', () => {
  test('MUST NOT be included more than once, whether known, unknown or without a value', () => {
    for (const body of ['a=1&a=1', 'a=1&b=2&a=3', 'a=1&%61=2', 'a=&a=1', 'a&a', `a=1${'&'.repeat(200)}a=2`]) {
      expect(() => parseForm(body)).toThrow(refused(/^A parameter that is not known here is sent more than once/));
    }
    expect(() => parseForm('scope=a&scope=b')).toThrow(refused(/'scope' is sent more than once/));
  });

  test('without a value are treated as if they were omitted', () => {
    expect(parseForm('scope=&grant_type=x&state')).toEqual(new Map([['grant_type', 'x']]));
  });

  test('are read to the last one, however many empty pieces stand between them', () => {
    expect(parseForm(`${'&'.repeat(500)}a=1${'&'.repeat(500)}b=2&`)).toEqual(
      new Map(Object.entries({ a: '1', b: '2' })),
    );
  });

  test('are at most 64, with names of 128 and values of 16,384 characters', () => {
    const body = (count: number) => Array.from({ length: count }, (_, i) => `p${i}=1`).join('&');
    expect(parseForm(body(64)).size).toBe(64);
    expect(() => parseForm(body(65))).toThrow(refused(/more than 64/));
    expect(parseForm(`${'n'.repeat(128)}=${'v'.repeat(16_384)}`).size).toBe(1);
    expect(() => parseForm(`${'n'.repeat(129)}=v`)).toThrow(refused(/A parameter that is not known here is too long/));
    expect(() => parseForm(`scope=${'v'.repeat(16_385)}`)).toThrow(refused(/'scope' is too long/));
  });
});

describe('a body that is not a form', () => {
  test.each(['{"grant_type":"client_credentials"}', ' [1]', '\n{'])('%j is told to be JSON', (body) => {
    expect(() => parseForm(body)).toThrow(refused(/^This is JSON\. Send a form instead/));
  });

  test('the error says that the whole form is percent-encoded', () => {
    expect(() => parseForm(encodeURIComponent('grant_type=a&client_secret=b'))).toThrow(
      refused(/percent-encoded as a whole/),
    );
  });
});
