/** The audit trail as the API answers it, and the chain of hashes that holds it together. docs/audit.md. */
import { createHash, createPublicKey, verify } from 'node:crypto';

export const eventsPath = '/api/v1/oauth/events';
export const checkpointPath = '/api/v1/oauth/events/checkpoint';

export interface AuditEvent {
  /** Counts from 1, without gaps. */
  readonly sequence: number;
  readonly occurred_at: string;
  readonly actor: string;
  readonly kind: string;
  readonly subject: string;
  readonly data: unknown;
  readonly hash: string;
}

export interface EventPage {
  readonly items: readonly AuditEvent[];
  /** Sequence number of the last event of the log. */
  readonly head: number;
}

/** A signed statement of where a log ended at a time. */
export interface Checkpoint {
  readonly log_id: string;
  readonly sequence: number;
  readonly hash: string;
  readonly signed_at: string;
  readonly public_key: { readonly kty: string; readonly crv: string; readonly x: string };
  readonly signature: string;
}

/** The hash that an event has after the one whose hash is `previous`; the first one follows the id of the log. */
export function hashEvent(previous: string, { sequence, occurred_at, actor, kind, subject, data }: AuditEvent): string {
  const text = JSON.stringify([previous, sequence, occurred_at, actor, kind, subject, JSON.stringify(data)]);
  return createHash('sha256').update(text).digest('base64url');
}

/** Whether the checkpoint was signed by the key that it names. Whose key that is, is not checked. */
export function isSigned({
  log_id,
  sequence,
  hash,
  signed_at,
  public_key: { kty, crv, x },
  signature,
}: Checkpoint): boolean {
  const text = JSON.stringify([log_id, sequence, hash, signed_at]);
  try {
    const publicKey = createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
    return crv === 'Ed25519' && verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}
