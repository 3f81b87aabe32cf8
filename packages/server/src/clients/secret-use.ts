/** Whether a secret is still used, for whoever rotates it. Pure. */
import { type ClientSecret, isExpired } from './client-secret.ts';

/**
 * - `current`: the newest secret.
 * - `in_use`: it was used since the newest one was created, and not longer than a token lasts ago.
 * - `unused`: the newest one was used, and this one was not for as long as a token lasts since: whoever got a token with
 *   it needs another by now. Only such a secret can be deleted without breaking a caller that uses it regularly.
 * - `unknown`: neither can be said yet, because the client is idle, or not enough time has passed.
 * - `expired`: nobody can use it.
 */
export type SecretUse = 'current' | 'in_use' | 'unused' | 'unknown' | 'expired';

export interface SecretUseOptions {
  /** The most seconds that a token of the client lasts. */
  readonly tokenSeconds: number;
  /** Until when uses are known, in milliseconds since 1970. */
  readonly knownUntil: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

type Used = Pick<ClientSecret, 'createdAt' | 'expiresAt' | 'lastUsedAt'>;

/** The use of each of `secrets`, which are all of a client, oldest first. */
export function secretUses(
  secrets: readonly Used[],
  { tokenSeconds, knownUntil, now }: SecretUseOptions,
): readonly SecretUse[] {
  const newest = secrets.at(-1);
  return secrets.map((secret) => {
    if (isExpired(secret, now)) {
      return 'expired';
    }
    if (newest === undefined || secret === newest) {
      return 'current';
    }
    const quietSince = Math.max(secret.lastUsedAt ?? 0, newest.createdAt);
    const isQuiet = knownUntil - quietSince >= tokenSeconds * 1000;
    if ((secret.lastUsedAt ?? 0) >= newest.createdAt && !isQuiet) {
      return 'in_use';
    }
    return isQuiet && newest.lastUsedAt !== null ? 'unused' : 'unknown';
  });
}
