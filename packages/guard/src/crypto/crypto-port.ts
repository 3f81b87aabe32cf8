/**
 * What the guard needs of the platform: public keys, signatures and SHA-256. RFC 7518 §3, RFC 8037 §3.1.
 *
 * On Node it is `node:crypto`, whose answers are there at once, so that nothing waits for them; everywhere else it is Web
 * Crypto, whose answers are promises. The `imports` of the package choose one as `#crypto`.
 */
import type { SigningAlgorithm } from './algorithms.ts';

/** A value, or the promise of one. A guard awaits promises only: each `await` costs as much as all that it does for a known token. */
export type Awaitable<T> = T | Promise<T>;

/** A public key as the platform holds it: a `KeyObject` of Node or a `CryptoKey`. */
export interface PlatformKey {
  readonly type: 'public' | 'private' | 'secret';
}

export interface CryptoPort {
  /**
   * Imports a key whose members `parsePublicJwk` returned and that fits the algorithm. Throws `PublicKeyFault` if it is not
   * a point on its curve.
   */
  importKey(members: Readonly<Record<string, string>>, alg: SigningAlgorithm): Awaitable<PlatformKey>;
  verify(
    alg: SigningAlgorithm,
    key: PlatformKey,
    data: Uint8Array<ArrayBuffer>,
    signature: Uint8Array<ArrayBuffer>,
  ): Awaitable<boolean>;
  /** Returns the hash of a text in UTF-8, in base64url. */
  sha256(text: string): Awaitable<string>;
}
