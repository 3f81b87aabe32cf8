/** Security event tokens. RFC 8417 §2, SSF 1.0 §4.1. */
import { createHash } from 'node:crypto';
import type { SigningAlgorithm } from '@postern/guard';
import type { LoggedEvent } from '../events/event.ts';
import type { Signal } from './signal.ts';

/** The only algorithm that all receivers know. CAEP Interoperability Profile 1.0 §2.6. */
export const setAlgorithm: SigningAlgorithm = 'RS256';

/** A signal on its way to a client. */
export interface SecurityEvent {
  readonly event: Pick<LoggedEvent, 'sequence' | 'occurredAt' | 'hash'>;
  /** Its number among the signals of the event. */
  readonly number: number;
  readonly signal: Signal;
}

/**
 * The `jti` of the SET that tells a client of a signal: the same each time that it is sent, on every node and every stream of
 * the client, so that a receiver knows it again.
 */
export function jtiOf(clientId: string, { event, number }: SecurityEvent): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([clientId, event.hash]))
    .digest('base64url');
  return `${event.sequence}-${number}-${digest.slice(0, 22)}`;
}

/**
 * Returns the claims of that SET. It has neither `sub` nor `exp`, and a type of its own, so that nothing takes it for an
 * access token or an assertion. SSF 1.0 §4.1.3.
 */
export function setClaims(issuer: string, clientId: string, securityEvent: SecurityEvent): object {
  const { event, signal } = securityEvent;
  return {
    iss: issuer,
    aud: clientId,
    jti: jtiOf(clientId, securityEvent),
    iat: Math.floor(event.occurredAt / 1000),
    txn: event.hash,
    sub_id: signal.subject,
    events: { [signal.type]: signal.claims },
    // Of Postern: where the audit trail has it, and what the revocation feed says of it.
    sequence: event.sequence,
    ...(signal.revocation !== undefined && { revocation: signal.revocation }),
  };
}
