/** A resource server that tokens can be for: its audience, and what it wants of them. RFC 8707 §2. */
import type { SigningAlgorithm } from '@postern/guard';
import { OAuthError } from '@postern/protocol';

export interface Resource {
  /** Short name of the record, for URLs of the management API. */
  readonly key: string;
  /** The audience of its tokens, and what a token request names in `resource`. */
  readonly identifier: string;
  /** The scopes that mean something there; tokens for it hold no others. */
  readonly scopes: readonly string[];
  /** Tokens for it live no longer than this; null: as long as the client's. */
  readonly accessTokenTtlSeconds: number | null;
  /** The algorithm that it verifies; null: the server's default. */
  readonly signingAlg: SigningAlgorithm | null;
  /** Ids of the clients that act for it and may introspect its tokens. */
  readonly introspectionClients: readonly string[];
}

/** Throws `invalid_parameter` unless the identifier is an absolute URI without fragment (RFC 8707 §2). */
export function checkIdentifier(identifier: string, issuer: string): void {
  const wrong = (text: string) => new OAuthError('invalid_parameter', `identifier: ${text}.`);
  if (URL.parse(identifier) === null || identifier.includes('#')) {
    throw wrong('must be an absolute URI without a fragment');
  }
  if (URL.parse(identifier)?.pathname === '/' && identifier.endsWith('/')) {
    throw wrong('must be written without the slash of an empty path');
  }
  if (identifier === issuer) {
    throw wrong("is the issuer, whose tokens are for Postern's own APIs without being registered");
  }
}
