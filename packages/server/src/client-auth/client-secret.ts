/** Authentication by client secret. RFC 6749 §2.3.1. */
import { timingSafeEqual } from 'node:crypto';
import type { ErrorReason } from '@postern/protocol';
import type { Client } from '../clients/client.ts';
import { isExpired } from '../clients/client-secret.ts';
import type { MasterKey } from '../keys/master-key.ts';

/** Stands in for the secrets of an unknown client, so that its answer takes as long. Nothing digests to it. */
const noSecrets: Client['secrets'] = [{ id: '', digest: Buffer.alloc(32), expiresAt: null }];

/** Which secret authenticates the client, or why none does. */
export type SecretCheck = { readonly secretId: string } | { readonly fault: ErrorReason };

/**
 * Digests and compares in constant time, also for a client that does not exist or is disabled. A fast keyed digest is
 * enough here: secrets are 256 random bits, so there is nothing to guess. `now` is in milliseconds since 1970.
 *
 * Does not check how often wrong ones are tried.
 */
export function checkSecret(
  client: Client | undefined,
  secret: string,
  masterKey: MasterKey,
  now: number,
): SecretCheck {
  const presented = masterKey.digest('client secrets', secret);
  let match: Client['secrets'][number] | undefined;
  for (const kept of client?.secrets ?? noSecrets) {
    match = timingSafeEqual(presented, kept.digest) ? kept : match;
  }
  if (client === undefined) {
    return { fault: 'client_unknown' };
  }
  if (match === undefined) {
    return { fault: 'secret_wrong' };
  }
  if (isExpired(match, now)) {
    return { fault: 'secret_expired' };
  }
  return client.enabled ? { secretId: match.id } : { fault: 'client_disabled' };
}
