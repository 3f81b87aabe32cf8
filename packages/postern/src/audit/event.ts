/** The chain of hashes that holds the audit trail together, and the checkpoints that are signed over it. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { AuditEvent, Checkpoint } from '@postern/server/admin-contract';

export const eventsPath = '/api/v1/oauth/events';
export const checkpointPath = '/api/v1/oauth/events/checkpoint';

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
