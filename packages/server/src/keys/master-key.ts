/** The master key: everything that must not be readable in the database is encrypted or digested under it. RFC 5869, RFC 2104. */
import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { decrypt, encrypt } from '../aes-gcm.ts';

/** 32 random bytes, from which each purpose derives its own key (RFC 5869), so that none can stand in for another. */
export interface MasterKey {
  /** Encrypts for storage, bound to `label` (AES-256-GCM). */
  seal(plaintext: Buffer, label: string): string;
  /** Decrypts what `seal` encrypted under the same label. Throws if key, label or text differ. */
  open(sealed: string, label: string): Buffer;
  /** HMAC-SHA-256 (32 bytes), which discloses nothing about `text` without the master key. */
  digest(purpose: DigestPurpose, text: string): Buffer;
  /** 32 bytes for a key pair that is the same on every node and stored nowhere. */
  seed(purpose: SeedPurpose): Buffer;
}

export type SeedPurpose = 'event checkpoints' | `revocation feed ${number} ${number}`;

const digestPurposes = [
  'client secrets',
  'imported forms',
  'fingerprints',
  'dpop nonces',
  'events',
  'feed cursors',
  'counted keys',
  'initial access tokens',
  'registration access tokens',
  'sessions',
  'idempotency keys',
  'idempotency requests',
  'idempotency answers',
] as const;

export type DigestPurpose = (typeof digestPurposes)[number];

/** The master key that the operator keeps. It opens the root secret of the database, from which all others derive, and nothing else. */
export interface OperatorKey extends Pick<MasterKey, 'seal' | 'open'> {
  /** Identifies it, and discloses nothing about it. */
  readonly id: string;
}

export function createOperatorKey(bytes: Buffer): OperatorKey {
  const { seal, open } = createMasterKey(bytes);
  return { id: derive(bytes, 'master key ids').export().toString('base64url', 0, 9), seal, open };
}

function derive(bytes: Buffer, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', bytes, Buffer.alloc(0), `postern ${purpose}`, 32)));
}

export function createMasterKey(bytes: Buffer): MasterKey {
  const sealingKey = derive(bytes, 'signing keys');
  const digestKeys = Object.fromEntries(digestPurposes.map((purpose) => [purpose, derive(bytes, purpose)])) as Record<
    DigestPurpose,
    KeyObject
  >;

  return {
    seal: (plaintext, label) => encrypt(sealingKey, plaintext, label),
    open: (sealed, label) => decrypt(sealingKey, sealed, label),
    seed: (purpose) => derive(bytes, purpose).export(),
    digest: (purpose, text) => createHmac('sha256', digestKeys[purpose]).update(text).digest(),
  };
}
