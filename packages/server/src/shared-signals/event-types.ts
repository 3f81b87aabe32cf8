/** The types of event that streams deliver. SSF 1.0 §8.1.4.1 and §8.1.5, CAEP 1.0 §3, OAuth Event Types 1.0 §3. */

const schemas = 'https://schemas.openid.net/secevent';

export const sessionRevoked = `${schemas}/caep/event-type/session-revoked`;
export const credentialChange = `${schemas}/caep/event-type/credential-change`;
export const tokenRevoked = `${schemas}/oauth/event-type/token-revoked`;
export const tokensRevoked = `${schemas}/oauth/event-type/tokens-revoked`;
export const clientDisabled = `${schemas}/oauth/event-type/client-disabled`;
export const clientEnabled = `${schemas}/oauth/event-type/client-enabled`;
export const clientCredentialChanged = `${schemas}/oauth/event-type/client-credential-changed`;

/** Those that a receiver can request. */
export const supportedEvents = [
  sessionRevoked,
  credentialChange,
  tokenRevoked,
  tokensRevoked,
  clientDisabled,
  clientEnabled,
  clientCredentialChanged,
] as const;

/** Those about a stream itself, which each stream has. */
export const verification = `${schemas}/ssf/event-type/verification`;
export const streamUpdated = `${schemas}/ssf/event-type/stream-updated`;
