/** `WWW-Authenticate` challenges. RFC 6750 §3, RFC 6749 §5.2. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { challengeFor } from './challenge.ts';
import { OAuthError } from './oauth-error.ts';

/** The parameters of a challenge, read by the grammar of RFC 9110 §11.2; throws if it does not match. */
function readChallenge(challenge: string | undefined): { scheme: string; params: Record<string, string> } {
  const [, scheme = '', rest = ''] = /^(Basic|Bearer) (.+)$/.exec(challenge ?? '') ?? [];
  const params = [...rest.matchAll(/([a-z_]+)="([\x20-\x21\x23-\x5b\x5d-\x7e]*)"(?:, |$)/gy)];
  if (params.map(([text]) => text).join('') !== rest || params.length === 0) {
    throw new Error(`not a challenge: ${challenge}`);
  }
  return { scheme, params: Object.fromEntries(params.map(([, name, value]) => [name, value])) };
}

describe('RFC 6750 §3 the Bearer challenge', () => {
  test('§3.1 a request without a token SHOULD NOT get an error code', () => {
    expect(challengeFor(new OAuthError('missing_token', 'x'))).toBe('Bearer realm="Postern"');
  });

  test('§3.1 invalid_token is named with its description', () => {
    expect(readChallenge(challengeFor(new OAuthError('invalid_token', 'expired')))).toEqual({
      scheme: 'Bearer',
      params: { realm: 'Postern', error: 'invalid_token', error_description: 'expired' },
    });
  });

  test('§3.1 insufficient_scope names the scope that the call needs', () => {
    const error = new OAuthError('insufficient_scope', 'more', { scope: 'policy:read' });
    expect(readChallenge(challengeFor(error))).toEqual({
      scheme: 'Bearer',
      params: { realm: 'Postern', error: 'insufficient_scope', error_description: 'more', scope: 'policy:read' },
    });
  });

  test('RFC 9728 §5.1 the metadata of the API is named, also to a request without a token', () => {
    const resourceMetadata = 'https://api.example.com/.well-known/oauth-protected-resource';
    for (const code of ['missing_token', 'invalid_token', 'insufficient_scope'] as const) {
      const { params } = readChallenge(challengeFor(new OAuthError(code, 'x', { resourceMetadata })));
      expect(params['resource_metadata']).toBe(resourceMetadata);
    }
  });

  test('no description breaks out of its quotation marks', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'", =\\error\r\n\u00e9') }), (text) => {
        const error = new OAuthError('invalid_token', text);
        const { params } = readChallenge(challengeFor(error));
        expect(params).toEqual({ realm: 'Postern', error: 'invalid_token', error_description: error.message });
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('RFC 6749 §5.2 the challenge of the token endpoint', () => {
  test('invalid_client has a challenge with the code if the client used Basic', () => {
    const error = new OAuthError('invalid_client', 'no', { scheme: 'Basic' });
    expect(readChallenge(challengeFor(error))).toEqual({
      scheme: 'Basic',
      params: { realm: 'Postern', charset: 'UTF-8', error: 'invalid_client', error_description: 'no' },
    });
  });

  test('invalid_client has no challenge if the client did not use Basic', () => {
    expect(challengeFor(new OAuthError('invalid_client', 'no'))).toBeUndefined();
  });

  test('no other error has a challenge', () => {
    for (const code of ['invalid_request', 'invalid_scope', 'access_denied', 'not_found', 'server_error'] as const) {
      expect(challengeFor(new OAuthError(code, 'no', { scheme: 'Basic', scope: 'a' }))).toBeUndefined();
    }
  });
});
