/** Registered resources in the database. */
import type { Kysely } from 'kysely';
import type { Database, ResourceTable } from '../db/schema.ts';
import { createRowMap, createThingStore, type Forms, type ThingStore } from '../db/thing-store.ts';
import type { Resource } from './resource.ts';

const forms: Forms<Resource> = { scopes: 'set', introspectionClients: 'json' };

const { fromRow } = createRowMap<ResourceTable, Resource>(forms);

const rows = createThingStore<Resource>('resources', 'key', forms);

export const storedResources: ThingStore<Resource> = {
  ...rows,
  async save(db, resource) {
    await rows.save(db, resource);
    await db.deleteFrom('resource_clients').where('resource_key', '=', resource.key).execute();
    const clientIds = [...new Set(resource.introspectionClients)];
    if (clientIds.length > 0) {
      const named = clientIds.map((clientId) => ({ client_id: clientId, resource_key: resource.key }));
      await db.insertInto('resource_clients').values(named).execute();
    }
  },
};

/** The resources that the clients act for. */
export async function loadResourcesOf(db: Kysely<Database>, clientIds: readonly string[]): Promise<Resource[]> {
  const rows = await db
    .selectFrom('resources')
    .selectAll()
    .where('key', 'in', (named) =>
      named.selectFrom('resource_clients').select('resource_key').where('client_id', 'in', clientIds),
    )
    .execute();
  return rows.map(fromRow);
}
