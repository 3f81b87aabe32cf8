/** HTTP Basic as clients in the wild write it. RFC 6749 §2.3.1, RFC 7617 §2. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBasicCredentials } from './basic-credentials.ts';
import { OAuthError } from './oauth-error.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** As oauth4webapi and openid-client write an id or secret: everything but letters and digits percent-encoded. */
const encodeFully = (text: string) =>
  encodeURIComponent(text)
    .replace(/[-_.!~*'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');

const encodings: readonly [string, (text: string) => string][] = [
  ['not at all, as curl, Authlib and the MCP SDK do', (text) => text],
  ['partly, as @badgateway/oauth2-client does', encodeURIComponent],
  ['fully, as oauth4webapi and openid-client do', encodeFully],
];

/** Any code point. */
const character = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));

const unreserved = fc.string({
  unit: fc.constantFrom(...'ABCXYZabcxyz0189-._~'),
  minLength: 1,
  maxLength: 60,
});

describe('RFC 6749 §2.3.1 client password in HTTP Basic', () => {
  test.each(encodings)('id and secret of unreserved characters are read when encoded %s', (_, encode) => {
    fc.assert(
      fc.property(unreserved, unreserved, (clientId, clientSecret) => {
        const credentials = parseBasicCredentials(base64(`${encode(clientId)}:${encode(clientSecret)}`));
        expect(credentials).toEqual({ clientId, clientSecret });
      }),
    );
  });

  test('any id and secret without control characters are read when form-encoded', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((value) => !/\p{Cc}/u.test(value));
    fc.assert(
      fc.property(text, text, (clientId, clientSecret) => {
        const credentials = parseBasicCredentials(base64(`${encodeFully(clientId)}:${encodeFully(clientSecret)}`));
        expect(credentials).toEqual({ clientId, clientSecret });
      }),
    );
  });

  test('RFC 7617 §2 the first colon divides: a secret may hold one, an id may not', () => {
    expect(parseBasicCredentials(base64('id:a:b'))).toEqual({ clientId: 'id', clientSecret: 'a:b' });
    expect(parseBasicCredentials(base64(':'))).toEqual({ clientId: '', clientSecret: '' });
  });

  test('padding may be left out', () => {
    expect(parseBasicCredentials('YTpi')).toEqual({ clientId: 'a', clientSecret: 'b' });
    expect(parseBasicCredentials('YTpiYg')).toEqual(parseBasicCredentials('YTpiYg=='));
  });

  test.each([
    ['nothing', '', /base64/],
    ['no base64', '!!!', /base64/],
    ['base64url', 'YTpi_-__', /base64/],
    ['text after the padding', 'YQ==YTpi', /base64/],
    ['two credentials', 'YTpi,YTpi', /base64/],
    ['no colon', base64('abc'), /colon/],
    ['broken percent-encoding', base64('a%zz:b'), /percent-encoded/],
    ['a NUL', base64('a:%00'), /percent-encoded/],
    ['half a surrogate pair', base64('a:%ED%A0%80'), /percent-encoded/],
  ])('RFC 6749 §5.2 %s: invalid_client, with a challenge for Basic', (_, encoded, message) => {
    expect(() => parseBasicCredentials(encoded)).toThrow(
      expect.objectContaining({
        code: 'invalid_client',
        scheme: 'Basic',
        reason: 'credentials_malformed',
        message: expect.stringMatching(message),
      }),
    );
  });

  test('any text gives credentials, or is invalid_client', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: character }), fc.base64String()), (encoded) => {
        try {
          parseBasicCredentials(encoded);
        } catch (error) {
          expect(error).toBeInstanceOf(OAuthError);
          expect((error as OAuthError).code).toBe('invalid_client');
        }
      }),
    );
  });
});
