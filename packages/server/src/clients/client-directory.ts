/** Clients in memory, for the token endpoint and the bearer check: loaded once, kept until an event is about them. */
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Client } from './client.ts';
import { findClient } from './client-store.ts';

export interface ClientDirectory {
  /**
   * The client as it is now, root among them. Throws `temporarily_unavailable` where this node has lost touch with the
   * changes of others for too long to say.
   */
  find(id: string): Promise<Client | undefined>;
  /** How it was found so far, root aside, and how many clients are in memory. */
  usage(): { readonly hits: number; readonly misses: number; readonly clients: number };
}

export interface ClientDirectoryOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly root: Client;
  /** Clients kept at the most; the least recently used one makes room. One takes up to 10 kB with what others keep for it. */
  readonly mostCached: number;
}

export function createClientDirectory({ db, events, root, mostCached }: ClientDirectoryOptions): ClientDirectory {
  const cache = new LRUCache<string, Client>({ max: mostCached });
  let changes = 0;
  let hits = 0;
  let misses = 0;
  events.follow((event) => {
    if (event.kind.startsWith('client.') || event.kind.startsWith('secret.')) {
      changes += 1;
      cache.delete(event.subject);
    }
  });
  return {
    async find(id) {
      events.requireCurrent();
      if (id === root.id) {
        return root;
      }
      const known = cache.get(id);
      if (known !== undefined) {
        hits += 1;
        return known;
      }
      misses += 1;
      const changesBefore = changes;
      const client = await findClient(db, id);
      // Something changed while it was read: what was read may be the old state, so it is not kept.
      if (client !== undefined && changes === changesBefore) {
        cache.set(id, client);
      }
      return client;
    },
    usage: () => ({ hits, misses, clients: cache.size }),
  };
}
