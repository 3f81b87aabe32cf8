/** For APIs: verify an access token locally and require a scope. */
export type { AccessToken } from './access-token.ts';
export { createGuard, type Guard, type GuardOptions } from './guard.ts';
export {
  refuseToken,
  type SigningAlgorithm,
  type VerificationKey,
  type VerifyAccessTokenOptions,
  verifyAccessToken,
} from './verify-access-token.ts';
