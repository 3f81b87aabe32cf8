/** For APIs: verify an access token locally and require a scope. */
export type { AccessToken } from './access-token.ts';
export { digestOf, keyInput, type SigningAlgorithm, signingAlgorithms } from './algorithms.ts';
export { certificateThumbprint } from './certificate-thumbprint.ts';
export { type Confirmation, toCnf } from './confirmation.ts';
export { type DpopProof, verifyDpopProof } from './dpop-proof.ts';
export { type Ground, groundClaim, groundsOf } from './ground.ts';
export {
  createGuard,
  type DpopNonces,
  type DpopPolicy,
  type Guard,
  type GuardedRequest,
  type GuardOptions,
  requireDpopNonce,
} from './guard.ts';
export { jwkThumbprint } from './jwk-thumbprint.ts';
export {
  type AuthorizationDetail,
  type ClientFault,
  type ClientStanding,
  detailsOf,
  findStandingFault,
  type HeldToken,
  heldTokens,
} from './standing.ts';
export {
  longestToken,
  refuseToken,
  type VerificationKey,
  type VerifyAccessTokenOptions,
  type VerifyIssuedTokenOptions,
  verifyAccessToken,
  verifyIssuedToken,
} from './verify-access-token.ts';
