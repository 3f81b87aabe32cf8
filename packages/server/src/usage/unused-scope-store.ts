/** Finds the scopes that clients have but do not use. */
import type { Slice } from '@postern/http-api';
import { type Kysely, sql } from 'kysely';
import {
  type ClientPart,
  clientParts,
  keyComesAfter,
  oldestFirst,
  orderedClients,
} from '../clients/client-parts-store.ts';
import { readLastIssue } from '../clients/last-issue.ts';
import type { Database } from '../db/schema.ts';

export interface UnusedScopes {
  readonly clientId: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly name: string | null;
  /** RFC 3339, UTC; null: it has never got a token. */
  readonly lastIssuedAt: string | null;
  readonly scopes: readonly string[];
}

/**
 * Returns part of the clients that have scopes that none of their tokens since `since` had, with these scopes, oldest
 * client first, and the total number of such clients. Those that were created after `since` are among them. Reads every client, which takes seconds for a million.
 * `since` is RFC 3339, UTC. The place of a client is the time of its creation and its id.
 */
export async function listUnusedScopes(
  db: Kysely<Database>,
  since: string,
  { after, offset, limit }: Slice,
): Promise<{ readonly items: readonly UnusedScopes[]; readonly total: number }> {
  const items: UnusedScopes[] = [];
  let skipped = 0;
  let total = 0;
  for await (const partOf of clientParts(db, oldestFirst)) {
    for (const { isAfter, ...unused } of await unusedInPart(db, partOf, since, after)) {
      total += 1;
      if (isAfter && skipped < offset) {
        skipped += 1;
      } else if (isAfter && items.length < limit) {
        items.push(unused);
      }
    }
  }
  return { items, total };
}

async function unusedInPart(
  db: Kysely<Database>,
  partOf: ClientPart,
  since: string,
  after: Slice['after'],
): Promise<(UnusedScopes & { readonly isAfter: boolean })[]> {
  const clients = await db
    .selectFrom(partOf(orderedClients(db, oldestFirst).select(['clients.id', 'name', 'scopes'])).as('part'))
    .leftJoin('client_usage', 'client_usage.client_id', 'part.id')
    .select(['id', 'name', 'scopes', 'key', 'last_issued_at'])
    .select(sql<number>`case when ${keyComesAfter(oldestFirst, after)} then 1 else 0 end`.as('is_after'))
    .where('scopes', '!=', '[]')
    .orderBy('key')
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
  return clients.flatMap(({ id, name, scopes, key: createdAt, last_issued_at, is_after }) => {
    const usedScopes = new Set(usedBy.get(id)?.map(({ scope }) => scope));
    const unused = (JSON.parse(scopes) as string[]).filter((scope) => !usedScopes.has(scope));
    return unused.length === 0
      ? []
      : {
          clientId: id,
          createdAt,
          name,
          lastIssuedAt: readLastIssue(last_issued_at),
          scopes: unused,
          isAfter: is_after === 1,
        };
  });
}
