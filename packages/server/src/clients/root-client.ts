/** The root client: from the configuration, with every scope there is, and nowhere in the database. */
import type { RootCredentials } from '../config/config.ts';
import type { MasterKey } from '../keys/master-key.ts';
import type { Client } from './client.ts';

/**
 * Its generation is a fingerprint of its secret and not a counter, since there is no row to count in: a token of root
 * is active as long as root has the secret with which it was issued.
 */
export function createRootClient(
  root: RootCredentials,
  masterKey: MasterKey,
  registry: { readonly names: ReadonlySet<string> },
): Client {
  return {
    id: root.clientId,
    name: 'root',
    description: null,
    get scopes() {
      return registry.names;
    },
    grantableScopes: null,
    enabled: true,
    accessTokenTtlSeconds: null,
    generation: masterKey.digest('fingerprints', `${root.clientId} ${root.clientSecret}`).readUIntBE(0, 6),
    secrets: [{ id: 'root', digest: masterKey.digest('client secrets', root.clientSecret), expiresAt: null }],
    createdAt: 0,
    updatedAt: 0,
    isRoot: true,
    metadata: {},
  };
}
