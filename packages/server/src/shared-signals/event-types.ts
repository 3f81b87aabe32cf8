/** The types of event that streams deliver. CAEP 1.0 §3, OAuth Event Types 1.0 §3, docs/shared-signals.md. */
import { feedPageEvent } from '@postern/protocol';

const schemas = 'https://schemas.openid.net/secevent';

export const sessionRevoked = `${schemas}/caep/event-type/session-revoked`;
export const credentialChange = `${schemas}/caep/event-type/credential-change`;
export const tokenRevoked = `${schemas}/oauth/event-type/token-revoked`;
export const tokensRevoked = `${schemas}/oauth/event-type/tokens-revoked`;
export const clientDisabled = `${schemas}/oauth/event-type/client-disabled`;
export const clientEnabled = `${schemas}/oauth/event-type/client-enabled`;
export const clientCredentialChanged = `${schemas}/oauth/event-type/client-credential-changed`;

/** Those that a receiver gets if it requests none. */
export const defaultEvents = [
  sessionRevoked,
  credentialChange,
  tokenRevoked,
  tokensRevoked,
  clientDisabled,
  clientEnabled,
  clientCredentialChanged,
] as const;

/** Those that a receiver can request: also the pages of the revocation feed, in a stream that delivers nothing else. */
export const supportedEvents = [...defaultEvents, feedPageEvent] as const;
