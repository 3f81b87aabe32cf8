/** For callers: obtain, cache, renew and attach access tokens. Runs wherever there is `fetch` and Web Crypto. */
export {
  actFor,
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretPost,
  jwtSvid,
  mutualTls,
  type PrivateKeyJwtOptions,
  privateKeyJwt,
  workloadToken,
} from './client-authentication.ts';
export type { Fetch } from './platform.ts';
export type { Jwk, JwsAlgorithm, KeyPair } from './signing-key.ts';
export type { IssuedToken } from './token-answer.ts';
export {
  createTokenClient,
  type ExchangeOptions,
  type GetTokenOptions,
  type TokenClient,
  type TokenClientOptions,
} from './token-client.ts';
export { TokenError, type TokenErrorOptions } from './token-error.ts';
