/** Facts of the OAuth RFCs that server, guard and client share. Depends on nothing, and runs in browsers too. */
export { decodeBase64UrlString, encodeBase64Url } from './base64url.ts';
export { challengeFor, dpopAlgorithms } from './challenge.ts';
export { clientIdPattern } from './client-id.ts';
export { type ErrorCode, type ErrorReason, findOperatorLine, operatorLineOf } from './error-table.ts';
export { feedKeysMember, feedKeyUse, feedSignatureHeader, feedSignatureType } from './feed-signature.ts';
export { parseForm } from './form.ts';
export { type DecodedJws, decodeJws, decodeJwsPart } from './jws.ts';
export { isConfidential, isLoopback } from './loopback.ts';
export { omitEmptyLists, type ProtectedResourceMetadata } from './metadata.ts';
export { OAuthError, type OAuthErrorOptions, type Scheme } from './oauth-error.ts';
export { isRegisteredClaim, registeredClaims } from './registered-claims.ts';
export {
  accessTokenType,
  clientCredentialsGrant,
  idJagProfile,
  idJagTokenType,
  idTokenType,
  jwtBearerAssertion,
  jwtBearerGrant,
  jwtSpiffeAssertion,
  jwtTokenType,
  tokenExchangeGrant,
} from './registered-names.ts';
export { isScopeToken, parseScope, readScope, scopeFamily } from './scope.ts';
export { parseSecretDigest, type SecretDigestFormat, secretDigestFormats } from './secret-digest.ts';
export { feedPageEvent, setType, streamUpdatedEvent, verificationEvent } from './security-event.ts';
export { showName } from './show-name.ts';
export { decodeUtf8 } from './utf-8.ts';
export { type WellKnownName, wellKnownUrl } from './well-known.ts';
export { type CodeNamed, fromWireNames, toWireNames, type WireNamed } from './wire-names.ts';
