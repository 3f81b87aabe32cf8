/** A resource server that tokens can be for: its audience, and its limits for them. RFC 8707 §2. */
import type { AccessTokenTyp, SigningAlgorithm } from '@postern/guard';
import { OAuthError } from '@postern/protocol';

export interface Resource {
  /** Short name of the record, for URLs of the management API. */
  readonly key: string;
  /** The audience of its tokens, and the `resource` of a token request. */
  readonly identifier: string;
  /** The scopes that it knows; tokens for it have no others. */
  readonly scopes: ReadonlySet<string>;
  /** The longest lifetime of tokens for it; null: that of the client. */
  readonly accessTokenTtlSeconds: number | null;
  /** The algorithm that it verifies; null: the server's default. */
  readonly signingAlg: SigningAlgorithm | null;
  /** The type of its tokens, in their header. */
  readonly accessTokenTyp: AccessTokenTyp;
  /** Ids of the clients that act for it and may introspect its tokens. */
  readonly introspectionClients: readonly string[];
}

/** Throws `invalid_parameter` unless the identifier is an absolute URI without fragment (RFC 8707 §2). */
export function requireIdentifier(identifier: string, issuer: string): void {
  const invalid = (text: string) => new OAuthError('invalid_parameter', `identifier: ${text}.`);
  if (URL.parse(identifier) === null || identifier.includes('#')) {
    throw invalid('must be an absolute URI without a fragment');
  }
  if (URL.parse(identifier)?.pathname === '/' && identifier.endsWith('/')) {
    throw invalid('must be written without the slash of an empty path');
  }
  if (identifier === issuer) {
    throw invalid('is the issuer, which needs no registration');
  }
}
