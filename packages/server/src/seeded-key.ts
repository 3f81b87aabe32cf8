/** Key pairs that derive from the master key, so that they are the same on every node and stored nowhere. RFC 8032 §5.1.5, RFC 8410 §7. */
import { createPrivateKey, type KeyObject } from 'node:crypto';

/** The bytes before the 32 bytes of an Ed25519 key in PKCS #8. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Returns the private Ed25519 key of 32 bytes, which must come from `seed` of the master key. */
export function createSeededKey(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
}
