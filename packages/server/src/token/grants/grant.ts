/** What a grant is: one grant_type and one decision. RFC 6749 §4. */
import type { AuthorizationDetail, Confirmation } from '@postern/guard';
import type { Authorization } from '../../access-token/authorization.ts';
import type { Client } from '../../clients/client.ts';
import type { GrantType } from '../../clients/client-metadata.ts';
import type { Target } from '../target.ts';

/** A token request of a client that is known, typed; grants read nothing else. */
export interface TokenRequest {
  readonly client: Client;
  /** The scopes asked for, each known to be well-formed; undefined where the request names none. */
  readonly scopes: readonly string[] | undefined;
  /** What the token is for. */
  readonly target: Target;
  /** What is asked for in `authorization_details`, each element allowed and valid. RFC 9396 §2. */
  readonly authorizationDetails: readonly AuthorizationDetail[] | undefined;
  /** The key that the request proves, which the token will be bound to. */
  readonly confirmation: Confirmation | undefined;
  /** All parameters of the form, for those that only this grant knows. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
}

export interface Grant {
  readonly grantType: GrantType;
  /**
   * Says who the client is, where the grant itself tells that and client authentication is not needed. The client that
   * it returns may hold fewer scopes than it does by itself. Throws `invalid_grant`.
   */
  identifyClient?(parameters: ReadonlyMap<string, string>, nowSeconds: number): Promise<Client>;
  /**
   * Says which resource the token is for, where that follows from more than the parameter `resource`. Throws
   * `invalid_request` or `invalid_target`.
   */
  findResource?(parameters: ReadonlyMap<string, string>, nowSeconds: number): string;
  /** Decides, or throws `invalid_scope`, `invalid_grant` or `invalid_target`. */
  authorize(request: TokenRequest): Authorization | Promise<Authorization>;
}
