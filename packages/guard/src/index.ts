/** For APIs: verifies access tokens locally, requires scopes, follows revocations. */
export type { AccessToken } from './access-token.ts';
export {
  type ApiGuard,
  type ApiGuardOptions,
  createApiGuard,
  type RevocationOptions,
  type SharedSignalsOptions,
} from './api-guard.ts';
export { type Confirmation, parseCnf, toCnf } from './confirmation.ts';
export { type SigningAlgorithm, signingAlgorithms } from './crypto/algorithms.ts';
export type { PlatformKey } from './crypto/crypto-port.ts';
export { PublicKeyFault } from './crypto/public-key.ts';
export { type DpopProof, verifyDpopProof } from './dpop-proof.ts';
export { type Answer, toErrorAnswer } from './error-answer.ts';
export {
  createGuard,
  type Decision,
  type DpopNonces,
  type DpopPolicy,
  type Guard,
  type GuardedRequest,
  type GuardOptions,
  requireDpopNonce,
  requireScope,
} from './guard.ts';
export type { Fetch } from './issuer/fetch-document.ts';
export type { DocumentCache, OpenCache } from './issuer/kept-copy.ts';
export { createKeptDocument, type KeptDocument } from './issuer/kept-document.ts';
export { RecentMap } from './recent-map.ts';
export type { ResourceDescription, ResourceMetadata } from './resource-metadata.ts';
export type { WaitUntil } from './revocations/request-follower.ts';
export { type ParentToken, parentTokensClaim, parentTokensOf } from './token-lineage.ts';
export {
  type AuthorizationDetail,
  type ClientInactiveReason,
  type ClientStatus,
  detailsOf,
  findRevocationReason,
  type HeldToken,
  heldTokens,
} from './token-status.ts';
export { createTrustedTime, type ReadTrustedTime, type TrustedTime } from './trusted-time.ts';
export { UseBudget, type UseBudgetOptions } from './use-budget.ts';
export {
  type AccessTokenTyp,
  accessTokenTyps,
  decodeAccessToken,
  decodeIssuedToken,
  invalidTokenError,
  maxTokenLength,
  parseClaims,
  requireAudience,
  requireIssuer,
  requireSignature,
  requireTime,
  type SignedToken,
  type VerificationKey,
  type VerifiedToken,
  type VerifyAccessTokenOptions,
  type VerifyIssuedTokenOptions,
  verifyAccessToken,
  verifyIssuedToken,
} from './verify-access-token.ts';
