/**
 * The keys that sign the revocation feed and nothing else, one for each quarter of a year. They have a `use` and a JWK set of their
 * own, so that no verifier of tokens takes one of them. In place of one that was revoked, another one of its quarter signs.
 * RFC 7517 §4.2 and §5, RFC 8037 §2.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { jwkThumbprint } from '@postern/guard/node';
import { feedKeyUse } from '@postern/protocol';
import { LRUCache } from 'lru-cache';
import type { MasterKey } from '../keys/master-key.ts';
import { createSeededKey } from '../seeded-key.ts';

export interface FeedKey {
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly privateKey: KeyObject;
  readonly publicJwk: Readonly<Record<string, string>>;
}

export interface FeedKeys {
  /** The key that signs now. */
  signing(): FeedKey;
  /**
   * The keys that guards may need, oldest first: that of now, the one before and the next. So guards know the key of a node whose
   * clock is wrong by days.
   */
  published(): readonly FeedKey[];
}

/** Milliseconds for which a key signs. */
const periodMs = 90 * 86_400_000;

/** `now` returns milliseconds since 1970. All nodes have the same keys, and none of them is stored. */
export function createFeedKeys(
  masterKey: Pick<MasterKey, 'seed'>,
  now: () => number,
  isRevoked: (kid: string) => boolean = () => false,
): FeedKeys {
  /** By period. */
  const keys = new LRUCache<number, FeedKey>({ max: 8 });
  const keyOf = (period: number): FeedKey => {
    for (let version = 0; ; version += 1) {
      const key = createFeedKey(masterKey.seed(`revocation feed ${period} ${version}`));
      if (!isRevoked(key.kid)) {
        return key;
      }
    }
  };
  const keyAt = (ms: number): FeedKey => {
    const period = Math.floor(ms / periodMs);
    const known = keys.get(period);
    const key = known === undefined || isRevoked(known.kid) ? keyOf(period) : known;
    keys.set(period, key);
    return key;
  };
  return {
    signing: () => keyAt(now()),
    published: () => [-periodMs, 0, periodMs].map((ms) => keyAt(now() + ms)),
  };
}

function createFeedKey(seed: Buffer): FeedKey {
  const privateKey = createSeededKey(seed);
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' }) as Record<string, string>;
  const kid = jwkThumbprint(jwk);
  return { kid, alg: 'EdDSA', privateKey, publicJwk: { ...jwk, kid, alg: 'EdDSA', use: feedKeyUse } };
}
