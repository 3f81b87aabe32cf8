/** Finds the scopes that clients have but do not use. */
import type { Kysely } from 'kysely';
import { type ClientPart, clientParts, oldestFirst } from '../clients/client-parts.ts';
import type { Database } from '../db/schema.ts';

export interface UnusedScopes {
  readonly clientId: string;
  readonly name: string | null;
  readonly scopes: readonly string[];
}

/**
 * Returns one page of the clients that existed at `since`, each with the scopes that none of its tokens since then had,
 * oldest client first, and the total number of such clients. Reads every client, which takes seconds for a million.
 * `since` is RFC 3339, UTC; `page` counts from 1.
 */
export async function listUnusedScopes(
  db: Kysely<Database>,
  since: string,
  page: number,
  size: number,
): Promise<{ readonly items: readonly UnusedScopes[]; readonly total: number }> {
  const first = (page - 1) * size;
  const items: UnusedScopes[] = [];
  let total = 0;
  for await (const partOf of clientParts(db, oldestFirst)) {
    for (const unused of await unusedInPart(db, partOf, since)) {
      if (total >= first && items.length < size) {
        items.push(unused);
      }
      total += 1;
    }
  }
  return { items, total };
}

async function unusedInPart(db: Kysely<Database>, partOf: ClientPart, since: string): Promise<UnusedScopes[]> {
  const clients = await db
    .selectFrom(partOf(db.selectFrom('clients').select(['id', 'name', 'scopes', 'created_at'])).as('part'))
    .select(['id', 'name', 'scopes'])
    .where('created_at', '<=', since)
    .where('scopes', '!=', '[]')
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  const used =
    clients.length === 0
      ? []
      : await db
          .selectFrom('scope_usage')
          .select(['client_id', 'scope'])
          .where(
            'client_id',
            'in',
            clients.map(({ id }) => id),
          )
          .where('last_issued_at', '>=', since)
          .execute();
  const usedBy = Map.groupBy(used, ({ client_id }) => client_id);
  return clients.flatMap(({ id, name, scopes }) => {
    const usedScopes = new Set(usedBy.get(id)?.map(({ scope }) => scope));
    const unused = (JSON.parse(scopes) as string[]).filter((scope) => !usedScopes.has(scope));
    return unused.length === 0 ? [] : { clientId: id, name, scopes: unused };
  });
}
