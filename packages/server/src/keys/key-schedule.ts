/** When a key signs and when it is published: pure rules; all times are in milliseconds since 1970. */
import type { SigningAlgorithm } from '@postern/guard';

/** A verifier may keep its copy of the JWKS for at most so many seconds, so that it soon drops a revoked key. */
const mostJwksAgeSeconds = 300;

/**
 * The `max-age` with which the JWKS is served, in seconds, if new keys are published `leadMs` before they sign: at most half
 * of that, so that a late refresh does no harm.
 */
export function jwksMaxAgeSeconds(leadMs: number): number {
  return Math.min(mostJwksAgeSeconds, Math.floor(leadMs / 2000));
}

/**
 * No rotation makes more published keys than this. Only an algorithm that comes into use adds its first key to them, so that
 * no JWKS has more than `mostPublishedKeys` and one for each other algorithm: verifiers limit what they take, our guard to
 * 100 keys.
 */
export const mostPublishedKeys = 20;

/** The times of a key: published when it is created, signing for a while, verifying until its last token has expired. */
export interface KeyTimes {
  readonly createdAt: number;
  readonly signsFrom: number;
  /** Null while it has no successor. */
  readonly signsUntil: number | null;
  /** The longest lifetime of any token that it may have signed. */
  readonly longestTtlSeconds: number;
}

export interface ScheduledKey extends KeyTimes {
  readonly alg: SigningAlgorithm;
}

export type KeyStatus = 'next' | 'signing' | 'retired' | 'expired';

export function statusOf(key: KeyTimes, now: number): KeyStatus {
  if (now < key.signsFrom) {
    return 'next';
  }
  if (key.signsUntil === null || now < key.signsUntil) {
    return 'signing';
  }
  return now < (verifiesUntil(key) ?? Number.POSITIVE_INFINITY) ? 'retired' : 'expired';
}

/** When the last token that it signed has expired, after which it is not needed; null while it has no successor. */
export function verifiesUntil(key: KeyTimes): number | null {
  return key.signsUntil === null ? null : key.signsUntil + key.longestTtlSeconds * 1000;
}

/**
 * The key that signs by default: the newest of `alg` that may sign. A change of the default algorithm is a rotation like
 * any other: until its first key may sign, the newest key of another algorithm continues.
 */
export function findDefaultKey<K extends ScheduledKey>(
  keys: readonly K[],
  alg: SigningAlgorithm,
  now: number,
): K | undefined {
  const isSigning = (key: K) => statusOf(key, now) === 'signing';
  // If the clock was set back to before the first key, no key signs: the first is better than none.
  return newest(keys.filter((key) => key.alg === alg && isSigning(key))) ?? newest(keys.filter(isSigning)) ?? keys[0];
}

/**
 * The key that signs for an audience that accepts only `alg`: a key that is not due yet is better than a signature of
 * another algorithm. Undefined if there is no key of that algorithm.
 */
export function findKeyOf<K extends ScheduledKey>(
  keys: readonly K[],
  alg: SigningAlgorithm,
  now: number,
): K | undefined {
  const ofAlg = keys.filter((key) => key.alg === alg);
  return (
    newest(ofAlg.filter((key) => statusOf(key, now) === 'signing')) ??
    newest(ofAlg.filter((key) => statusOf(key, now) === 'next'))
  );
}

/**
 * Whether `alg` needs a new key: it has none, or its newest is older than `intervalMs` (0: never). The latter waits for room.
 */
export function isRotationDue(
  keys: readonly ScheduledKey[],
  alg: SigningAlgorithm,
  intervalMs: number,
  now: number,
): boolean {
  const latest = newest(keys.filter((key) => key.alg === alg && key.signsUntil === null));
  return (
    latest === undefined ||
    (intervalMs > 0 && now >= latest.signsFrom + intervalMs && findRoomTime(keys, now) === undefined)
  );
}

/** When the first of the published keys is no longer needed, if there is no room for another one until then. */
export function findRoomTime(keys: readonly KeyTimes[], now: number): number | undefined {
  const published = keys.filter((key) => statusOf(key, now) !== 'expired');
  return published.length < mostPublishedKeys
    ? undefined
    : Math.min(...published.map((key) => verifiesUntil(key) ?? Number.POSITIVE_INFINITY));
}

/** If `alg` comes back into use, having gone out of it: its newest published key, which signs again instead of a new one. */
export function findIdleKey<K extends ScheduledKey>(
  keys: readonly K[],
  alg: SigningAlgorithm,
  now: number,
): K | undefined {
  const ofAlg = keys.filter((key) => key.alg === alg && statusOf(key, now) !== 'expired');
  return ofAlg.some((key) => key.signsUntil === null) ? undefined : newest(ofAlg);
}

/** Whether no token needs the key, since its algorithm went out of use before it signed any. */
export function isUnneeded(
  key: ScheduledKey,
  keys: readonly ScheduledKey[],
  algorithmsInUse: readonly SigningAlgorithm[],
  now: number,
): boolean {
  return !algorithmsInUse.includes(key.alg) && !mayHaveSigned(key, keys, now);
}

/** The key of `alg` that is published and does not sign yet. There is at most one. */
export function findNextKey<K extends ScheduledKey>(
  keys: readonly K[],
  alg: SigningAlgorithm,
  now: number,
): K | undefined {
  return keys.find((key) => key.alg === alg && statusOf(key, now) === 'next');
}

/** Whether a key may have signed a token: also one that is not due yet, if there was no other one of its algorithm. */
export function mayHaveSigned(key: ScheduledKey, keys: readonly ScheduledKey[], now: number): boolean {
  return findKeyOf(keys, key.alg, now) === key || statusOf(key, now) !== 'next';
}

function newest<K extends ScheduledKey>(keys: readonly K[]): K | undefined {
  let latest: K | undefined;
  for (const key of keys) {
    const age = latest === undefined ? 0 : key.signsFrom - latest.signsFrom || key.createdAt - latest.createdAt;
    latest = age >= 0 ? key : latest;
  }
  return latest;
}
