/** The master key: everything that must not be readable in the database is sealed or digested under it. */
import { createCipheriv, createDecipheriv, createSecretKey, hash, hkdfSync, randomBytes } from 'node:crypto';

/** Derived from 32 random bytes; each purpose has its own key (RFC 5869), so that none can stand in for another. */
export interface MasterKey {
  /** Encrypts for storage, bound to `label` (AES-256-GCM). */
  seal(plaintext: Buffer, label: string): string;
  /** What `seal` encrypted under the same label. Throws where key, label or text differ. */
  open(sealed: string, label: string): Buffer;
  /**
   * Keyed digest (32 bytes) that tells nothing about `text` without the master key: SHA-256 with the key before and
   * after the text, which one call of the fast one-shot hash does, and an HMAC in Node does not.
   */
  digest(purpose: DigestPurpose, text: string): Buffer;
  /** 32 bytes from which a key pair is made that is the same on every node and stored nowhere. */
  seed(purpose: 'event checkpoints'): Buffer;
}

const nonceLength = 12;
const tagLength = 16;

const digestPurposes = [
  'client secrets',
  'fingerprints',
  'dpop nonces',
  'initial access tokens',
  'registration access tokens',
] as const;

export type DigestPurpose = (typeof digestPurposes)[number];

export function createMasterKey(bytes: Buffer): MasterKey {
  const derive = (purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', bytes, Buffer.alloc(0), `postern ${purpose}`, 32)));
  const sealingKey = derive('signing keys');
  const digestKeys = Object.fromEntries(
    digestPurposes.map((purpose) => [purpose, derive(purpose).export().toString('hex')]),
  ) as Record<DigestPurpose, string>;

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
    seed: (purpose) => derive(purpose).export(),
    digest: (purpose, text) => hash('sha256', `${digestKeys[purpose]}${text}${digestKeys[purpose]}`, 'buffer'),
  };
}
