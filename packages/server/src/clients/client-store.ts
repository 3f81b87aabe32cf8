/** Clients and their secrets' digests in the database. */
import type { Kysely, Selectable } from 'kysely';
import type { ClientTable, Database } from '../db/schema.ts';
import type { Client } from './client.ts';
import { listSecrets } from './client-secret-store.ts';

export async function findClient(db: Kysely<Database>, id: string): Promise<Client | undefined> {
  // Ids come from tokens too, and PostgreSQL cannot be asked for text with a NUL.
  if (id.includes('\0')) {
    return undefined;
  }
  const row = await db.selectFrom('clients').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) {
    return undefined;
  }
  return fromRow(row, await listSecrets(db, id));
}

export interface ClientPage {
  /** Without their secrets: a list has no use for them. */
  readonly clients: readonly Client[];
  readonly total: number;
}

/** One page, oldest client first. `page` counts from 1. */
export async function listClients(db: Kysely<Database>, page: number, size: number): Promise<ClientPage> {
  const { total } = await db
    .selectFrom('clients')
    .select((select) => select.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  const rows = await db
    .selectFrom('clients')
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .limit(size)
    .offset((page - 1) * size)
    .execute();
  return { clients: rows.map((row) => fromRow(row, [])), total: Number(total) };
}

export async function insertClient(db: Kysely<Database>, client: Client): Promise<void> {
  await db
    .insertInto('clients')
    .values({ id: client.id, created_at: client.createdAt, ...toColumns(client) })
    .execute();
}

/** Writes all that can change; secrets are not among it. */
export async function updateClient(db: Kysely<Database>, client: Client): Promise<void> {
  await db.updateTable('clients').set(toColumns(client)).where('id', '=', client.id).execute();
}

/** Its secrets go with it. */
export async function deleteClient(db: Kysely<Database>, id: string): Promise<void> {
  await db.deleteFrom('clients').where('id', '=', id).execute();
}

function toColumns(client: Client) {
  return {
    name: client.name,
    description: client.description,
    scopes: JSON.stringify([...client.scopes]),
    grantable_scopes: client.grantableScopes === null ? null : JSON.stringify([...client.grantableScopes]),
    enabled: client.enabled ? 1 : 0,
    access_token_ttl_seconds: client.accessTokenTtlSeconds,
    generation: client.generation,
    metadata: JSON.stringify(client.metadata),
    updated_at: client.updatedAt,
  };
}

function fromRow(row: Selectable<ClientTable>, secrets: Client['secrets']): Client {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    scopes: new Set(JSON.parse(row.scopes) as string[]),
    grantableScopes: row.grantable_scopes === null ? null : new Set(JSON.parse(row.grantable_scopes) as string[]),
    enabled: row.enabled === 1,
    accessTokenTtlSeconds: row.access_token_ttl_seconds,
    generation: row.generation,
    secrets,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    isRoot: false,
    metadata: JSON.parse(row.metadata) as Client['metadata'],
  };
}
