/** One secret of a client: its digest and its life. */
import type { MasterKey } from '../keys/master-key.ts';
import { generateClientId } from './credentials.ts';

export interface ClientSecret {
  readonly id: string;
  readonly digest: Buffer;
  readonly lastFour: string;
  /** All times in milliseconds since 1970. */
  readonly createdAt: number;
  /** Null: never. */
  readonly expiresAt: number | null;
  /** Null: never used. */
  readonly lastUsedAt: number | null;
}

/** What is kept of a secret that was just generated. */
export function newSecret(
  secret: string,
  masterKey: MasterKey,
  createdAt: number,
  expiresInSeconds: number | undefined,
): ClientSecret {
  return {
    id: generateClientId(),
    digest: masterKey.digest('client secrets', secret),
    lastFour: secret.slice(-4),
    createdAt,
    expiresAt: expiresInSeconds === undefined ? null : createdAt + expiresInSeconds * 1000,
    lastUsedAt: null,
  };
}

export function isExpired({ expiresAt }: Pick<ClientSecret, 'expiresAt'>, now: number): boolean {
  return expiresAt !== null && expiresAt <= now;
}
