/** Turns the untrusted form of a token request into a typed one. RFC 6749 §3.2, RFC 8707 §2, RFC 8693 §2.1, RFC 9396 §2. */
import { OAuthError, parseForm, parseScope } from '@postern/protocol';
import type { Grant } from './grants/grant.ts';

/** The parameters that mean the same for all grants. */
export interface TokenRequest {
  readonly grant: Grant;
  /** Undefined if the request names no scope. */
  readonly scopes: readonly string[] | undefined;
  readonly resource: string | undefined;
  readonly audience: string | undefined;
  /** JSON text, which is parsed when the client is known. */
  readonly authorizationDetails: string | undefined;
  /** For client authentication and for the grant, each of which parses its own parameters. */
  readonly form: ReadonlyMap<string, string>;
}

/** Throws `invalid_request`, `invalid_scope` or `unsupported_grant_type`. Does not check who sends the request. */
export function parseTokenRequest(url: string, body: string, grants: readonly Grant[]): TokenRequest {
  if (url.includes('?')) {
    throw new OAuthError('invalid_request', 'Parameters belong in the form body, never in the URL.');
  }
  const form = parseForm(body);
  const grantType = form.get('grant_type');
  if (grantType === undefined) {
    throw new OAuthError('invalid_request', 'The parameter grant_type is missing.');
  }
  const scope = form.get('scope');
  const scopes = scope === undefined ? undefined : parseScope(scope);
  const grant = grants.find((one) => one.grantType === grantType && (one.accepts?.(form) ?? true));
  if (grant === undefined) {
    const hint = grantType.includes(';') ? ' Parameters have & between them, and not a semicolon.' : '';
    throw new OAuthError(
      'unsupported_grant_type',
      `The grant_type is not offered here; offered: ${grantTypesOf(grants).join(', ')}.${hint}`,
    );
  }
  return {
    grant,
    scopes,
    resource: form.get('resource'),
    audience: form.get('audience'),
    authorizationDetails: form.get('authorization_details'),
    form,
  };
}

export function grantTypesOf(grants: readonly Grant[]): string[] {
  return [...new Set(grants.map(({ grantType }) => grantType))];
}
