/** One secret of a client: its digest and its life. */
import type { MasterKey } from '../keys/master-key.ts';
import { generateClientId } from './credentials.ts';
import type { ImportedDigest } from './imported-digest.ts';

export interface ClientSecret {
  readonly id: string;
  /** Null as long as the secret has only the digest of another server. */
  readonly digest: Buffer | null;
  /** The digest of another server, until the first use of the secret replaces it. */
  readonly imported: SealedDigest | null;
  /** Null if it is unknown, or too large a part of the secret. */
  readonly lastFour: string | null;
  /** All times in milliseconds since 1970. */
  readonly createdAt: number;
  /** Null: never. */
  readonly expiresAt: number | null;
  /** Null: never used. */
  readonly lastUsedAt: number | null;
}

/** What is kept of the text of a secret. */
export interface SecretDigest {
  readonly digest: Buffer;
  readonly lastFour: string | null;
}

export interface SealedDigest {
  /** How it was computed, with the cost of a check, and nothing of the digest itself. */
  readonly form: string;
  /** Encrypted under the root secret, since secrets that a person chose can be guessed by their digests. */
  readonly sealedDigest: string;
}

/** Shorter secrets can be guessed by their last four characters. */
const shortestShown = 22;

export function digestSecret(text: string, masterKey: MasterKey): SecretDigest {
  return {
    digest: masterKey.digest('client secrets', text),
    lastFour: text.length < shortestShown ? null : text.slice(-4),
  };
}

/** What is kept of a secret: of its text, or of the digest that another server has of it. */
export function newSecret(
  secret: string | ImportedDigest,
  masterKey: MasterKey,
  createdAt: number,
  expiresInSeconds: number | undefined,
): ClientSecret {
  const id = generateClientId();
  return {
    id,
    ...(typeof secret === 'string'
      ? { ...digestSecret(secret, masterKey), imported: null }
      : { digest: null, lastFour: null, imported: sealDigest(secret, id, masterKey) }),
    createdAt,
    expiresAt: expiresInSeconds === undefined ? null : createdAt + expiresInSeconds * 1000,
    lastUsedAt: null,
  };
}

function sealDigest({ form, text }: ImportedDigest, secretId: string, masterKey: MasterKey): SealedDigest {
  return { form, sealedDigest: masterKey.seal(Buffer.from(text), sealLabel(secretId)) };
}

/** The text of the digest of another server. Throws if it is that of another secret. */
export function openImportedDigest(secretId: string, { sealedDigest }: SealedDigest, masterKey: MasterKey): string {
  return masterKey.open(sealedDigest, sealLabel(secretId)).toString();
}

function sealLabel(secretId: string): string {
  return `imported digest ${secretId}`;
}

export function isExpired({ expiresAt }: Pick<ClientSecret, 'expiresAt'>, now: number): boolean {
  return expiresAt !== null && expiresAt <= now;
}
