/** Authentication by client secret. RFC 6749 §2.3.1. */
import { timingSafeEqual } from 'node:crypto';
import type { ErrorReason } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import { isExpired } from '../clients/client-secret.ts';
import type { MasterKey } from '../keys/master-key.ts';

export type Secret = Client['secrets'][number];

/** Compared for an unknown client, so that its answer takes as long. No secret has this digest. */
export const noDigest: Buffer = Buffer.alloc(32);
const noSecrets: readonly Secret[] = [{ id: '', digest: noDigest, imported: null, createdAt: 0, expiresAt: null }];

/** A fast keyed digest is enough: secrets are 256 random bits, so nobody can guess one. */
export function digestPresented(secret: string, masterKey: MasterKey): Buffer {
  return masterKey.digest('client secrets', secret);
}

/**
 * The secret of the client that was presented, by its digest. Compares in constant time, also for a client that does not exist.
 *
 * Does not check whether the secret has expired, how often wrong ones are tried, or the digests of other servers.
 */
export function findSecret(client: Client | undefined, digest: Buffer): Secret | undefined {
  let match: Secret | undefined;
  for (const secret of client?.secrets ?? noSecrets) {
    match = timingSafeEqual(digest, secret.digest ?? noDigest) ? secret : match;
  }
  return match;
}

/** Why a secret that was found does not authenticate its client. `now` is in milliseconds since 1970. */
export function findSecretFault(secret: Secret | undefined, now: number): ErrorReason | undefined {
  if (secret === undefined) {
    return 'secret_wrong';
  }
  return isExpired(secret, now) ? 'secret_expired' : undefined;
}
