/** Digests of presented secrets. RFC 6749 §2.3.1. */
import { hash, randomBytes } from 'node:crypto';
import { RecentMap } from '@postern/guard';
import type { MasterKey } from '../keys/master-key.ts';
import { digestPresented, noDigest } from './client-secret.ts';

export interface PresentedDigest {
  readonly digest: Buffer;
  /** To be called once the secret has proved right. */
  keep(): void;
  /** To be called after a refusal: computes what was kept, so that the time of a refusal does not disclose that the secret is right somewhere. */
  makeUp(): void;
}

/** At most so many digests are kept, which takes 2 MB. */
const mostKept = 5_000;

/** Of a request without a secret. */
export const noPresentedDigest: PresentedDigest = { digest: noDigest, keep() {}, makeUp() {} };

/**
 * Returns what computes the digest of a secret. Digests of secrets that proved right are kept, since the keyed digest takes a tenth of
 * the time of a token: by a plain digest of the secret and of random bytes, so that the secrets themselves are not. What was
 * wrong takes as long every time, and what is kept is compared as every other digest.
 */
export function createSecretDigests(masterKey: MasterKey): (secret: string) => PresentedDigest {
  const right = new RecentMap<Buffer>(mostKept);
  const salt = randomBytes(32).toString('base64');

  return (secret) => {
    const name = hash('sha256', salt + secret, 'base64');
    const known = right.find(name);
    const digest = known ?? digestPresented(secret, masterKey);
    return {
      digest,
      keep() {
        if (known === undefined) {
          right.add(name, digest);
        }
      },
      makeUp() {
        if (known !== undefined) {
          digestPresented(secret, masterKey);
        }
      },
    };
  };
}
