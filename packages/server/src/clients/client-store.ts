/** Clients and their secrets' digests in the database. */
import type { Place, Slice } from '@postern/http-api';
import { fromWireNames, OAuthError, showName, toWireNames } from '@postern/protocol';
import { type Kysely, type Selectable, sql } from 'kysely';
import { countFound } from '../db/count-rows.ts';
import type { ClientTable, Database } from '../db/schema.ts';
import { readFloor, selectFloorData } from '../revocation/generation-floor-store.ts';
import type { Client } from './client.ts';
import { type ClientOrder, clientParts, comesAfter, keyComesAfter, orderedClients } from './client-parts-store.ts';
import { type ClientFilter, passesFilter, searchColumnsOf } from './client-search-store.ts';
import { listSecrets } from './client-secret-store.ts';
import { neverIssued, readLastIssue } from './last-issue.ts';

export async function findClient(db: Kysely<Database>, id: string): Promise<Client | undefined> {
  // Ids come from tokens too, and PostgreSQL cannot be asked for text with a NUL.
  if (id.includes('\0')) {
    return undefined;
  }
  const row = await selectClients(db).where('id', '=', id).executeTakeFirst();
  // Read in any case, so that the time it takes does not disclose whether the client exists.
  const secrets = await listSecrets(db, id);
  return row && fromRow(row, secrets);
}

/** Throws `not_found`. The root client is not in the database, so it is not found either. */
export async function getClient(db: Kysely<Database>, id: string): Promise<Client> {
  const client = await findClient(db, id);
  if (client === undefined) {
    throw new OAuthError('not_found', `There is no client with the id '${showName(id)}'.`);
  }
  return client;
}

export interface ListedClient {
  /** Without its secrets, which a list does not show. */
  readonly client: Client;
  /** When it got its last token, as far as that is written: RFC 3339, UTC; null: never. */
  readonly lastIssuedAt: string | null;
}

export interface ClientPage {
  readonly items: readonly ListedClient[];
  readonly total: number;
}

export interface ClientListing extends ClientOrder, Slice {
  /** Undefined: all clients. */
  readonly filter: ClientFilter | undefined;
}

/** Where the client stands in a list of that order. */
export function placeOfClient({ client, lastIssuedAt }: ListedClient, { column }: ClientOrder): Place {
  const keys = {
    created_at: () => new Date(client.createdAt).toISOString(),
    sort_name: () => searchColumnsOf(client).sort_name,
    last_issued_at: () => lastIssuedAt ?? neverIssued,
  };
  return [keys[column](), client.id];
}

/** Lists one page. A search reads every client, and takes about a second if there are a million. */
export async function listClients(db: Kysely<Database>, listing: ClientListing): Promise<ClientPage> {
  const { total, ids } =
    listing.filter === undefined
      ? { total: await countFound(db.selectFrom('clients')), ids: await idsOfPage(db, listing) }
      : await searchClients(db, listing.filter, listing);
  const rows =
    ids.length === 0
      ? []
      : await selectClients(db)
          .leftJoin('client_usage', 'client_usage.client_id', 'clients.id')
          .select('client_usage.last_issued_at')
          .where('clients.id', 'in', ids)
          .execute();
  const byId = new Map(rows.map((row) => [row.id, row]));
  return {
    // One that was deleted meanwhile is left out.
    items: ids
      .flatMap((id) => byId.get(id) ?? [])
      .map((row) => ({ client: fromRow(row, []), lastIssuedAt: readLastIssue(row.last_issued_at) })),
    total,
  };
}

/** Selects ids only, so that the clients of earlier pages are skipped in the index. */
async function idsOfPage(db: Kysely<Database>, { after, offset, limit, ...order }: ClientListing): Promise<string[]> {
  const rows = await orderedClients(db, order)
    .select('clients.id')
    .where(comesAfter(order, after))
    .limit(limit)
    .offset(offset)
    .execute();
  return rows.map(({ id }) => id);
}

async function searchClients(
  db: Kysely<Database>,
  filter: ClientFilter,
  { after, offset, limit, ...order }: ClientListing,
): Promise<{ readonly total: number; readonly ids: readonly string[] }> {
  const ids: string[] = [];
  let skipped = 0;
  let total = 0;
  for await (const partOf of clientParts(db, order)) {
    const found = await db
      .selectFrom(
        partOf(
          orderedClients(db, order).select([
            'clients.id',
            'search_text',
            'scopes',
            'metadata',
            'enabled',
            'expires_at',
          ]),
        ).as('part'),
      )
      .select(['id', sql<number>`case when ${keyComesAfter(order, after)} then 1 else 0 end`.as('is_after')])
      .where(passesFilter(filter))
      .orderBy('key', order.direction)
      .orderBy('id', order.direction)
      .execute();
    for (const { id } of found.filter(({ is_after }) => is_after === 1)) {
      if (skipped < offset) {
        skipped += 1;
      } else if (ids.length < limit) {
        ids.push(id);
      }
    }
    total += found.length;
  }
  return { total, ids };
}

/** The highest generation of any client, 0 if there is none. Reads every client. */
export async function findHighestGeneration(db: Kysely<Database>): Promise<number> {
  const { highest } = await db
    .selectFrom('clients')
    .select((select) => select.fn.max('generation').as('highest'))
    .executeTakeFirstOrThrow();
  return Number(highest ?? 0);
}

export async function insertClient(db: Kysely<Database>, client: Client): Promise<void> {
  await Promise.all([
    db
      .insertInto('clients')
      .values({ id: client.id, created_at: new Date(client.createdAt).toISOString(), ...toColumns(client) })
      .execute(),
    db
      .insertInto('client_usage')
      .values({ client_id: client.id, tokens_issued: 0, last_issued_at: neverIssued })
      .execute(),
  ]);
}

/** Writes everything that can change, except its secrets. */
export async function updateClient(db: Kysely<Database>, client: Client): Promise<void> {
  await db.updateTable('clients').set(toColumns(client)).where('id', '=', client.id).execute();
}

/** Deletes its secrets, its event streams and what its metadata document said too. */
export async function deleteClient(db: Kysely<Database>, id: string): Promise<void> {
  // Streams of root have no row of a client that they could be deleted with.
  await db.deleteFrom('streams').where('client_id', '=', id).execute();
  await db.deleteFrom('client_documents').where('client_id', '=', id).execute();
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
    expires_at: client.expiresAt === null ? null : new Date(client.expiresAt).toISOString(),
    generation: client.generation,
    metadata: JSON.stringify(toWireNames(client.metadata)),
    updated_at: new Date(client.updatedAt).toISOString(),
    ...searchColumnsOf(client),
  };
}

/** Selects clients, each with what `readFloor` reads. */
function selectClients(db: Kysely<Database>) {
  return db.selectFrom('clients').selectAll('clients').select(selectFloorData(db).as('floor_data'));
}

interface ClientRow extends Selectable<ClientTable> {
  readonly floor_data: string | null;
}

function fromRow(row: ClientRow, secrets: Client['secrets']): Client {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    scopes: new Set(JSON.parse(row.scopes) as string[]),
    grantableScopes: row.grantable_scopes === null ? null : new Set(JSON.parse(row.grantable_scopes) as string[]),
    enabled: row.enabled === 1,
    accessTokenTtlSeconds: row.access_token_ttl_seconds,
    expiresAt: row.expires_at === null ? null : Date.parse(row.expires_at),
    generation: Math.max(row.generation, readFloor(row.floor_data)),
    secrets,
    createdAt: Date.parse(row.created_at),
    updatedAt: Date.parse(row.updated_at),
    isRoot: false,
    metadata: fromWireNames(JSON.parse(row.metadata)) as Client['metadata'],
  };
}
