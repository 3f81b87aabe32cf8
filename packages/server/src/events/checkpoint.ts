/**
 * Checkpoints: signed statements of the end of the event log at a time. A checkpoint that is kept elsewhere shows whether
 * the log has been rewritten since by somebody who could write the database. Ed25519, RFC 8032, RFC 8037.
 *
 * Does not protect against somebody who has the master key and can sign another one.
 */
import { createPublicKey, sign, verify } from 'node:crypto';
import { createSeededKey } from '../seeded-key.ts';
import type { LogHead } from './event.ts';

export interface Checkpoint {
  readonly log_id: string;
  readonly sequence: number;
  readonly hash: string;
  /** RFC 3339, UTC. */
  readonly signed_at: string;
  readonly public_key: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string };
  /** Base64url, over the UTF-8 of `JSON.stringify([log_id, sequence, hash, signed_at])`. */
  readonly signature: string;
}

/** What the signature is over. */
const signedText = ({ log_id, sequence, hash, signed_at }: Omit<Checkpoint, 'public_key' | 'signature'>) =>
  Buffer.from(JSON.stringify([log_id, sequence, hash, signed_at]));

/** Signs the end of a log; `now` is in milliseconds since 1970. */
export type SignCheckpoint = (log: LogHead & { readonly logId: string }, now: number) => Checkpoint;

/** `seed`: 32 bytes from the master key, so that all nodes sign with the same key and it is stored nowhere. */
export function createCheckpointSigner(seed: Buffer): { sign: SignCheckpoint; isOwn(checkpoint: Checkpoint): boolean } {
  const privateKey = createSeededKey(seed);
  const publicKey = createPublicKey(privateKey);
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return {
    sign({ logId, sequence, hash }, now) {
      const head = { log_id: logId, sequence, hash, signed_at: new Date(now).toISOString() };
      return {
        ...head,
        public_key: { kty: 'OKP', crv: 'Ed25519', x },
        signature: sign(null, signedText(head), privateKey).toString('base64url'),
      };
    },
    isOwn: (checkpoint) =>
      verify(null, signedText(checkpoint), publicKey, Buffer.from(String(checkpoint.signature), 'base64url')),
  };
}
