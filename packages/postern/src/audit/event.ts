/** The chain of hashes over the audit trail, and the checkpoints that are signed over it. */
import { createPublicKey, hash as hashOf, verify } from 'node:crypto';
import type { AuditEvent, Checkpoint } from '@postern/admin';

/** Returns the hash of an event. `previous` is the hash of the event before it; for the first event, the id of the log. */
export function hashEvent(previous: string, { sequence, occurred_at, actor, kind, subject, data }: AuditEvent): string {
  const text = JSON.stringify([previous, sequence, occurred_at, actor, kind, subject, JSON.stringify(data)]);
  return hashOf('sha256', text, 'base64url');
}

/** Returns whether the key in the checkpoint signed it. Does not check whose key that is. */
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
