/** The names of the signature of the revocation feed. docs/revocation-feed.md. RFC 7515 §4.1.9, RFC 7517 §4.2. */

/** The header of an answer that has its signature. */
export const feedSignatureHeader = 'revocations-signature';

/** The `typ` of the signature, which no other JWT has. */
export const feedSignatureType = 'revocation-feed+jwt';

/** The `use` of the keys that sign the feed, which sign nothing else. */
export const feedKeyUse = 'revocation_feed';

/** The member of the metadata of an issuer with the URL of these keys. */
export const feedKeysMember = 'revocation_feed_jwks_uri';
