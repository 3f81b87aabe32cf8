/** What a grant is: one grant_type and one decision. RFC 6749 §4. */
import type { Authorization } from '../access-token/authorization.ts';
import type { Client } from '../clients/client.ts';
import type { Target } from './target.ts';

/** A token request of an authenticated client, typed; grants read nothing else. */
export interface TokenRequest {
  readonly client: Client;
  readonly grantType: string;
  /** The scopes asked for, each known to be well-formed; undefined where the request names none. */
  readonly scopes: readonly string[] | undefined;
  /** What the token is for. */
  readonly target: Target;
}

export interface Grant {
  readonly grantType: string;
  /** Decides, or throws `invalid_scope` or `invalid_grant`. */
  authorize(request: TokenRequest): Authorization;
}
