/** Security event tokens (SETs), and the events that guards know. RFC 8417 §2.3, SSF 1.0 §8.1.4.1 and §8.1.5, docs/shared-signals.md. */

/** The `typ` of a SET, which no other JWT has. */
export const setType = 'secevent+jwt';

/** The events about a stream itself, which each stream has. */
export const verificationEvent = 'https://schemas.openid.net/secevent/ssf/event-type/verification';
export const streamUpdatedEvent = 'https://schemas.openid.net/secevent/ssf/event-type/stream-updated';

/** The event of a stream that delivers the revocation feed, page by page. It is of Postern, and no stream has it unless it asks for it. */
export const feedPageEvent = 'urn:postern:event-type:revocation-feed';
