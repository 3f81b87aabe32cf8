/** Whether a genuine token is active: it is rejected as soon as its client, a scope or a parent token is revoked. RFC 9068 §4. */
import type { ErrorReason } from '@postern/protocol';
import type { AccessToken } from './access-token.ts';
import { parentTokensOf } from './token-lineage.ts';

/** What the tokens of an enabled client may have now. */
export interface ClientStatus {
  readonly generation: number;
  /** True for root, whose generation is a fingerprint: only the same one will do. Others count upwards. */
  readonly isGenerationExact: boolean;
  /** Undefined, here and below: not limited. */
  readonly scopes: ReadonlySet<string> | undefined;
  /** Audiences in addition to the issuer. */
  readonly resources: readonly string[] | undefined;
  /** Types of authorization details. */
  readonly detailsTypes: readonly string[] | undefined;
}

/** Why no token of a client is active. */
export type ClientInactiveReason = 'client_unknown' | 'client_disabled';

/** What a token has that may be withdrawn from its client. */
export type HeldToken = Pick<AccessToken, 'clientId' | 'jti' | 'generation' | 'audience' | 'scopes' | 'claims'>;

/** One element of the claim authorization_details: its type says what else is in it. RFC 9396 §2. */
export interface AuthorizationDetail {
  readonly type: string;
  readonly [member: string]: unknown;
}

/**
 * All tokens that must be active for `token` to be: itself, and those that were exchanged for it (RFC 8693), with what
 * this one has. Throws `invalid_token` for a malformed claim `parent_tokens`.
 */
export function heldTokens(token: AccessToken): readonly HeldToken[] {
  return [token, ...parentTokensOf(token).map((parent) => ({ ...token, ...parent }))];
}

/**
 * Why a token is no longer active by what its client may have now, or undefined if it is.
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
  // A counter may have been behind on another node, so a higher one is good.
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

/** The authorization details of a verified token, which its issuer checked; none for most. */
export function detailsOf({ claims }: Pick<AccessToken, 'claims'>): readonly AuthorizationDetail[] {
  return (claims['authorization_details'] as readonly AuthorizationDetail[] | undefined) ?? [];
}
