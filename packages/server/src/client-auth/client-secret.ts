/** Authentication by client secret. RFC 6749 §2.3.1. */
import { timingSafeEqual } from 'node:crypto';
import type { ErrorReason } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import type { MasterKey } from '../keys/master-key.ts';

/** Stands in for the digests of an unknown client, so that its answer takes as long. Nothing digests to it. */
const noDigests: readonly Buffer[] = [Buffer.alloc(32)];

/**
 * Why the secret does not authenticate the client, or undefined where it does. Digests and compares in constant
 * time, also for a client that does not exist or is disabled. A fast keyed digest is enough here: secrets are 256
 * random bits, so there is nothing to guess.
 *
 * Does not check how often wrong ones are tried.
 */
export function findSecretFault(
  client: Client | undefined,
  secret: string,
  masterKey: MasterKey,
): ErrorReason | undefined {
  const presented = masterKey.digest('client secrets', secret);
  let matches = false;
  for (const digest of client?.secretDigests ?? noDigests) {
    matches = timingSafeEqual(presented, digest) || matches;
  }
  if (client === undefined) {
    return 'client_unknown';
  }
  if (!matches) {
    return 'secret_wrong';
  }
  return client.enabled ? undefined : 'client_disabled';
}
