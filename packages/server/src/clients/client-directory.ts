/** Clients and people in memory, for the token endpoint and the check of bearer tokens: each is kept until an event is about it. */
import { isDeepStrictEqual } from 'node:util';
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Client } from './client.ts';
import { findClient } from './client-store.ts';
import type { FindActor } from './find-actor.ts';
import { isPersonId } from './person-id.ts';

export interface ClientDirectory {
  /**
   * Returns the client as it is now; root can be found too. Throws `temporarily_unavailable` if this node has not read the
   * changes of other nodes for too long.
   */
  find(id: string): Promise<Client | undefined>;
  /** Returns the client if `find` would without reading the database. */
  findInMemory(id: string): Client | undefined;
  /**
   * Reads a client of the memory from the database, which takes what `find` takes for an unknown one. Returns it if it is not as `known`
   * is: this node had not heard of a change yet. Throws if the database cannot tell.
   */
  reread(known: Client): Promise<{ readonly client: Client | undefined } | undefined>;
  /** Counts of cache hits and misses so far, without root, and of the clients in memory. */
  usage(): { readonly hits: number; readonly misses: number; readonly clients: number };
}

export interface ClientDirectoryOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly rootClient: () => Client;
  /** Finds a client or person in the database. */
  readonly findActor: FindActor;
  /** Applies client policies to a client that was read. All are read again after an event about a policy. */
  readonly applyPolicies: (client: Client) => Client;
  /** The most clients that are kept; the least recently used one is dropped first. Each takes up to 10 kB of memory. */
  readonly mostCached: number;
}

export function createClientDirectory({
  db,
  events,
  rootClient,
  findActor,
  applyPolicies,
  mostCached,
}: ClientDirectoryOptions): ClientDirectory {
  const cache = new LRUCache<string, Client>({ max: mostCached });
  let changes = 0;
  let hits = 0;
  let misses = 0;
  const reload = () => {
    changes += 1;
    cache.clear();
  };
  events.follow((event) => {
    if (event.kind.startsWith('client.') || event.kind.startsWith('secret.')) {
      changes += 1;
      cache.delete(event.subject);
    } else if (event.kind === 'person.saved') {
      changes += 1;
      cache.delete(event.subject);
    } else if (event.kind.startsWith('role.') || event.kind.startsWith('scope.')) {
      changes += 1;
      for (const id of [...cache.keys()].filter(isPersonId)) {
        cache.delete(id);
      }
    } else if (event.kind.startsWith('client_policy.') || event.kind === 'all_tokens.revoked') {
      reload();
    }
  }, reload);
  const read = async (id: string): Promise<Client | undefined> => {
    const changesBefore = changes;
    const stored = await findActor(db, id);
    const client = stored && applyPolicies(stored);
    // If something changed meanwhile, this may be the old state, so it is not kept.
    if (client !== undefined && changes === changesBefore) {
      cache.set(id, client);
    }
    return client;
  };
  return {
    async find(id) {
      events.requireCurrent();
      const root = rootClient();
      if (id === root.id) {
        return root;
      }
      const known = cache.get(id);
      if (known !== undefined) {
        hits += 1;
        return known;
      }
      misses += 1;
      return read(id);
    },
    findInMemory(id) {
      const root = rootClient();
      return id === root.id ? root : cache.peek(id);
    },
    async reread(known) {
      if (known.isRoot) {
        await findClient(db, known.id);
        return undefined;
      }
      const client = await read(known.id);
      return isDeepStrictEqual(client, known) ? undefined : { client };
    },
    usage: () => ({ hits, misses, clients: cache.size }),
  };
}
