/** The client or person that makes a change, by what the transaction of the change sees: root is in no database. */
import type { Kysely } from 'kysely';
import type { RootConfig } from '../config/config.ts';
import type { Database } from '../db/schema.ts';
import type { MasterKey } from '../keys/master-key.ts';
import type { Client } from './client.ts';
import { findClient } from './client-store.ts';
import { isPersonId } from './person-id.ts';
import { createRootClient } from './root-client.ts';
import { readRootStatus } from './root-status.ts';

/** Root is returned without its scopes, which are all there are: who wants to know whether it holds one asks whether it is root. */
export type FindActor = (transaction: Kysely<Database>, clientId: string) => Promise<Client | undefined>;

export interface RegisteredScopes {
  readonly names: ReadonlySet<string>;
  readonly ordinaryNames: ReadonlySet<string>;
}

export interface FindActorOptions {
  readonly root: RootConfig;
  readonly masterKey: MasterKey;
  /** The registered scopes, as the database has them. */
  readonly loadScopes: (transaction: Kysely<Database>) => Promise<RegisteredScopes>;
  /** Finds a person with the scopes of their role. */
  readonly findPerson: (
    transaction: Kysely<Database>,
    id: string,
    scopes: RegisteredScopes,
  ) => Promise<Client | undefined>;
}

export function createFindActor({ root, masterKey, loadScopes, findPerson }: FindActorOptions): FindActor {
  return async (transaction, clientId) => {
    if (isPersonId(clientId)) {
      return findPerson(transaction, clientId, await loadScopes(transaction));
    }
    if (clientId !== root.clientId) {
      return findClient(transaction, clientId);
    }
    return createRootClient(
      { root, masterKey, registry: { names: new Set() } },
      await readRootStatus(transaction, root, masterKey),
    );
  };
}
