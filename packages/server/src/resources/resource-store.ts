/** Registered resources in the database. */
import type { AccessTokenTyp, SigningAlgorithm } from '@postern/guard';
import type { Kysely, Selectable } from 'kysely';
import type { Database, ResourceTable } from '../db/schema.ts';
import type { Resource } from './resource.ts';

/** All, in no order. */
export async function loadResources(db: Kysely<Database>): Promise<Resource[]> {
  return (await db.selectFrom('resources').selectAll().execute()).map(fromRow);
}

/** Finds the one with that key, or with that identifier. */
export async function findResource(
  db: Kysely<Database>,
  column: 'key' | 'identifier',
  value: string,
): Promise<Resource | undefined> {
  const row = await db.selectFrom('resources').selectAll().where(column, '=', value).executeTakeFirst();
  return row && fromRow(row);
}

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

/** Creates the resource, or changes the one with that key. */
export async function saveResource(db: Kysely<Database>, resource: Resource): Promise<void> {
  const columns = {
    identifier: resource.identifier,
    scopes: JSON.stringify([...resource.scopes]),
    access_token_ttl_seconds: resource.accessTokenTtlSeconds,
    signing_alg: resource.signingAlg,
    access_token_typ: resource.accessTokenTyp,
    introspection_clients: JSON.stringify(resource.introspectionClients),
  };
  await db
    .insertInto('resources')
    .values({ key: resource.key, ...columns })
    .onConflict((conflict) => conflict.column('key').doUpdateSet(columns))
    .execute();
  await db.deleteFrom('resource_clients').where('resource_key', '=', resource.key).execute();
  const clientIds = [...new Set(resource.introspectionClients)];
  if (clientIds.length > 0) {
    const rows = clientIds.map((clientId) => ({ client_id: clientId, resource_key: resource.key }));
    await db.insertInto('resource_clients').values(rows).execute();
  }
}

export async function deleteResource(db: Kysely<Database>, key: string): Promise<void> {
  await db.deleteFrom('resources').where('key', '=', key).execute();
}

function fromRow(row: Selectable<ResourceTable>): Resource {
  return {
    key: row.key,
    identifier: row.identifier,
    scopes: new Set(JSON.parse(row.scopes) as string[]),
    accessTokenTtlSeconds: row.access_token_ttl_seconds,
    signingAlg: row.signing_alg as SigningAlgorithm | null,
    accessTokenTyp: row.access_token_typ as AccessTokenTyp,
    introspectionClients: JSON.parse(row.introspection_clients) as string[],
  };
}
