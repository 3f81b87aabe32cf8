/** What a grant is: one grant_type, its own parameters and one decision. RFC 6749 §4. */
import type { AuthorizationDetail, Confirmation } from '@postern/guard';
import { type ErrorReason, OAuthError } from '@postern/protocol';
import type { Authorization } from '../../access-token/authorization.ts';
import type { DeferUse } from '../../client-auth/authenticate.ts';
import type { Client } from '../../clients/client.ts';
import type { GrantType } from '../../clients/client-metadata-schema.ts';
import type { Target } from '../target.ts';

/** What all grants have in common about a token request whose client is known. */
export interface GrantRequest {
  readonly client: Client;
  /** The scopes asked for, each of them registered; undefined if the request names none. */
  readonly scopes: readonly string[] | undefined;
  /** What the token is for. */
  readonly target: Target;
  /** The `authorization_details` asked for, each of them allowed and valid. RFC 9396 §2. */
  readonly authorizationDetails: readonly AuthorizationDetail[] | undefined;
  /** The key that the request proves and the token will be bound to. */
  readonly confirmation: Confirmation | undefined;
  /** For a one-time token of the grant. */
  readonly deferUse: DeferUse;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
}

interface GrantBase<Parameters> {
  readonly grantType: GrantType;
  /** Whether it issues ID-JAGs, whose `audience` is what the token is for, and `resource` what that protects. Without it: no. */
  readonly issuesIdJags?: true;
  /** Whether it is for the request, if several grants have the grant_type; the first that is decides. Default: yes. */
  accepts?(form: ReadonlyMap<string, string>): boolean;
  /** The resource that the token is for if the request names none. Without it, or if undefined: the client's default. */
  findResource?(parameters: Parameters): string | undefined;
  /** The `authorization_details` that the grant itself asks for, as JSON. Without it, or if undefined: the parameter. RFC 9396 §2. */
  findAuthorizationDetails?(parameters: Parameters): string | undefined;
  /** Decides. Throws `invalid_scope`, `invalid_grant`, `invalid_request` or `invalid_target`. */
  authorize(parameters: Parameters, request: GrantRequest): Authorization | Promise<Authorization>;
}

/** A grant whose client authenticates itself. */
export interface AuthenticatedGrant<Parameters> extends GrantBase<Parameters> {
  readonly identifyClient?: undefined;
  /**
   * The grant's own parameters, with the tokens among them verified, once. The client is authenticated before, so that
   * nobody else finds out which tokens are valid. `address` is that of the caller. Throws `invalid_request` or `invalid_target`.
   */
  parse(form: ReadonlyMap<string, string>, nowSeconds: number, address: string): Parameters | Promise<Parameters>;
}

/** A parameter with a JWT that says who the client is. */
export interface IdentifyingParameter {
  readonly name: 'assertion' | 'subject_token';
  /** The error for a JWT that is not accepted. RFC 7521 §4.1.1, RFC 8693 §2.2.2. */
  readonly errorCode: 'invalid_grant' | 'invalid_request';
}

/** A grant that says itself who the client is, so that the client need not authenticate. RFC 7521 §4.1. */
export interface IdentifyingGrant<Parameters> extends GrantBase<Parameters> {
  readonly parameter: IdentifyingParameter;
  /** Whether the client must authenticate all the same. Without it: no. */
  requiresAuthentication?(parameters: Parameters): boolean;
  /**
   * The grant's own parameters, with the tokens among them verified, once. `address` is that of the caller. Throws the error
   * code of its parameter.
   */
  parse(form: ReadonlyMap<string, string>, nowSeconds: number, address: string): Promise<Parameters>;
  /**
   * The client, which may have fewer scopes than it holds by itself. Throws the error code of its parameter. Does not
   * check whether it is enabled, nor from which networks it may authenticate.
   */
  identifyClient(parameters: Parameters): Promise<Client>;
}

export type Grant<Parameters = unknown> = AuthenticatedGrant<Parameters> | IdentifyingGrant<Parameters>;

/** The same text for every reason: what is trusted here must not be disclosed to those who are not. */
export function rejectIdentity({ name, errorCode }: IdentifyingParameter, reason: ErrorReason): OAuthError {
  return new OAuthError(
    errorCode,
    `The ${name} is not accepted: its issuer is not trusted here, its signature, audience or times are not right, ` +
      'it was used before, or no rule says which client it is for. The log of the server says which.',
    { reason },
  );
}
