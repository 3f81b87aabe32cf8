/** The root client: from the configuration, with every scope there is, and nowhere in the database. */
import type { Kysely } from 'kysely';
import type { RootConfig } from '../config/config.ts';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import type { MasterKey } from '../keys/master-key.ts';
import type { Client } from './client.ts';
import { logRootStatus, type RootStatus, readRootStatus } from './root-status.ts';

export interface RootClientOptions {
  readonly root: RootConfig;
  readonly masterKey: MasterKey;
  readonly registry: { readonly names: ReadonlySet<string> };
}

export function createRootClient({ root, masterKey, registry }: RootClientOptions, status: RootStatus): Client {
  return {
    id: root.clientId,
    name: 'root',
    description: null,
    get scopes() {
      return registry.names;
    },
    grantableScopes: null,
    ...status,
    accessTokenTtlSeconds: null,
    expiresAt: null,
    secrets: [
      {
        id: 'root',
        digest: masterKey.digest('client secrets', root.clientSecret),
        imported: null,
        createdAt: 0,
        expiresAt: null,
      },
    ],
    createdAt: 0,
    updatedAt: 0,
    isRoot: true,
    metadata: {},
  };
}

/** Returns what finds root as it is now: logs its status at this start, and follows what other nodes log about it. */
export async function openRootClient(
  options: RootClientOptions & { readonly db: Kysely<Database>; readonly events: EventLog },
): Promise<() => Client> {
  const { db, events, root, masterKey } = options;
  const read = async () => createRootClient(options, await readRootStatus(db, root, masterKey));
  let client = await read();
  const reload = async () => {
    client = await read();
  };
  events.follow(async ({ kind }) => {
    if (kind.startsWith('root.') || kind === 'all_tokens.revoked') {
      await reload();
    }
  }, reload);
  await logRootStatus(events, root, masterKey);
  return () => client;
}
