/** Error texts and statuses. RFC 6749 §5.2, RFC 6750 §3.1. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from './error-table.ts';
import { OAuthError } from './oauth-error.ts';

/** Any code point, halves of surrogate pairs among them. */
const character = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));

describe('RFC 6749 §5.2 error response', () => {
  test('error_description holds %x20-21 / %x23-5B / %x5D-7E only, whatever it quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 500 }), (text) => {
        const { message } = new OAuthError('invalid_request', text);
        expect(message).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
        expect(message.length).toBeLessThanOrEqual(400);
      }),
    );
  });

  test('a text of allowed characters stays as it is, up to 400 of them', () => {
    const text = 'a'.repeat(400);
    expect(new OAuthError('invalid_request', text).message).toBe(text);
    expect(new OAuthError('invalid_request', `${text}a`).message).toBe(`${'a'.repeat(397)}...`);
    expect(new OAuthError('invalid_request', 'say "a\\b" \u00e9\n').message).toBe("say 'a'b' ??");
  });

  test.each<[ErrorCode, number]>([
    ['invalid_request', 400],
    ['invalid_client', 401],
    ['invalid_grant', 400],
    ['unauthorized_client', 400],
    ['unsupported_grant_type', 400],
    ['invalid_scope', 400],
  ])('%s has the status %i', (code, status) => {
    expect(new OAuthError(code, '').status).toBe(status);
  });

  test.each<[ErrorCode, number]>([
    ['invalid_token', 401],
    ['insufficient_scope', 403],
  ])('RFC 6750 §3.1 %s has the status %i', (code, status) => {
    expect(new OAuthError(code, '').status).toBe(status);
  });
});
