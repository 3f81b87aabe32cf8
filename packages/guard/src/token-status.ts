/** The status of a verified token: it is rejected as soon as the client, scope or parent token behind it is revoked. RFC 9068 §4 leaves that to the issuer. */
import type { ErrorReason } from '@postern/protocol';
import type { AccessToken } from './access-token.ts';
import { parentTokensOf } from './token-lineage.ts';

/** What the tokens of an enabled client may have now. */
export interface ClientStatus {
  readonly generation: number;
  /** True for the root client, whose generation is a fingerprint that must be equal. Other generations count up. */
  readonly isGenerationExact: boolean;
  /** Undefined, here and below, means unlimited. */
  readonly scopes: ReadonlySet<string> | undefined;
  /** Audiences in addition to the issuer. */
  readonly resources: readonly string[] | undefined;
  /** Types of authorization details. */
  readonly detailsTypes: readonly string[] | undefined;
}

/** Why all tokens of a client are inactive. */
export type ClientInactiveReason = 'client_unknown' | 'client_disabled' | 'root_disabled';

/** The parts of a token that revocation is checked against. */
export type HeldToken = Pick<AccessToken, 'clientId' | 'jti' | 'kid' | 'generation' | 'audience' | 'scopes' | 'claims'>;

/** One element of the claim `authorization_details`, whose type defines its other members. RFC 9396 §2. */
export interface AuthorizationDetail {
  readonly type: string;
  readonly [member: string]: unknown;
}

/**
 * Returns all tokens that must be active for `token` to be active: itself, and those that were exchanged for it (RFC 8693),
 * with the scopes of `token`. Throws `invalid_token` if its claim `parent_tokens` is malformed.
 */
export function heldTokens(token: AccessToken): readonly HeldToken[] {
  return [token, ...parentTokensOf(token).map((parent) => ({ ...token, ...parent }))];
}

/**
 * Returns why the status of its client makes a token inactive, or undefined if it does not.
 *
 * Does not check: whether the token itself was revoked, the tokens that were exchanged for it.
 */
export function findRevocationReason(
  token: HeldToken,
  status: ClientStatus | ClientInactiveReason,
  issuer: string,
): ErrorReason | undefined {
  if (typeof status === 'string') {
    return status;
  }
  const { generation, isGenerationExact, scopes, resources, detailsTypes } = status;
  // The token may come from a node that is ahead of this status, so a higher generation is accepted.
  if (isGenerationExact ? token.generation !== generation : token.generation < generation) {
    return 'generation_old';
  }
  if (resources !== undefined && !token.audience.every((one) => one === issuer || resources.includes(one))) {
    return 'resource_withdrawn';
  }
  if (detailsTypes !== undefined && !detailsOf(token).every(({ type }) => detailsTypes.includes(type))) {
    return 'details_type_withdrawn';
  }
  return scopes === undefined || token.scopes.isSubsetOf(scopes) ? undefined : 'scope_withdrawn';
}

/** Returns the authorization details of a verified token, which its issuer validated; most tokens have none. */
export function detailsOf({ claims }: Pick<AccessToken, 'claims'>): readonly AuthorizationDetail[] {
  return (claims['authorization_details'] as readonly AuthorizationDetail[] | undefined) ?? [];
}
