/** The master key: everything that must not be readable in the database is sealed or digested under it. */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';

/** Derived from 32 random bytes; each purpose has its own key (RFC 5869), so that none can stand in for another. */
export interface MasterKey {
  /** Encrypts for storage, bound to `label` (AES-256-GCM). */
  seal(plaintext: Buffer, label: string): string;
  /** What `seal` encrypted under the same label. Throws where key, label or text differ. */
  open(sealed: string, label: string): Buffer;
  /** Keyed digest (HMAC-SHA-256, 32 bytes) that tells nothing about `text` without the master key. */
  digest(purpose: DigestPurpose, text: string): Buffer;
}

const nonceLength = 12;
const tagLength = 16;

export type DigestPurpose =
  | 'client secrets'
  | 'fingerprints'
  | 'dpop nonces'
  | 'initial access tokens'
  | 'registration access tokens';

export function createMasterKey(bytes: Buffer): MasterKey {
  const derive = (purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', bytes, Buffer.alloc(0), `postern ${purpose}`, 32)));
  const sealingKey = derive('signing keys');
  const digestKeys = {
    'client secrets': derive('client secrets'),
    fingerprints: derive('fingerprints'),
    'dpop nonces': derive('dpop nonces'),
    'initial access tokens': derive('initial access tokens'),
    'registration access tokens': derive('registration access tokens'),
  };

  return {
    seal(plaintext, label) {
      const nonce = randomBytes(nonceLength);
      const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce).setAAD(Buffer.from(label));
      const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]).toString('base64url');
    },
    open(sealed, label) {
      const bytes = Buffer.from(sealed, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', sealingKey, bytes.subarray(0, nonceLength), {
        authTagLength: tagLength,
      })
        .setAAD(Buffer.from(label))
        .setAuthTag(bytes.subarray(nonceLength, nonceLength + tagLength));
      return Buffer.concat([decipher.update(bytes.subarray(nonceLength + tagLength)), decipher.final()]);
    },
    digest: (purpose, text) => createHmac('sha256', digestKeys[purpose]).update(text).digest(),
  };
}
