/** The client or person that makes a change, by what the transaction of the change sees: root is in no database. */
import type { Kysely } from 'kysely';
import type { RootConfig } from '../config/config.ts';
import type { Database } from '../db/schema.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { isPersonId } from '../people/person.ts';
import { findPersonAsClient } from '../people/person-store.ts';
import type { ScopeRegistry } from '../scopes/scope-registry.ts';
import type { Client } from './client.ts';
import { findClient } from './client-store.ts';
import { createRootClient } from './root-client.ts';
import { readRootStatus } from './root-status.ts';

export type FindActor = (transaction: Kysely<Database>, clientId: string) => Promise<Client | undefined>;

export interface FindActorOptions {
  readonly root: RootConfig;
  readonly masterKey: MasterKey;
  /** The registered scopes, as the database has them. */
  readonly loadScopes: (transaction: Kysely<Database>) => Promise<Pick<ScopeRegistry, 'names' | 'ordinaryNames'>>;
}

export function createFindActor({ root, masterKey, loadScopes }: FindActorOptions): FindActor {
  return async (transaction, clientId) => {
    if (isPersonId(clientId)) {
      return findPersonAsClient(transaction, clientId, await loadScopes(transaction));
    }
    if (clientId !== root.clientId) {
      return findClient(transaction, clientId);
    }
    const registry = await loadScopes(transaction);
    return createRootClient({ root, masterKey, registry }, await readRootStatus(transaction, root, masterKey));
  };
}
