/** Finds the scopes that clients have but do not use. */
import type { Slice } from '@postern/http-api';
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import { clientParts, keyComesAfter, oldestFirst, orderedClients } from '../clients/client-parts-store.ts';
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
 * client first, and the total number of such clients. Those that were created after `since` are among them. The database looks at every
 * client, which takes a second for a million. `since` is RFC 3339, UTC. The place of a client is the time of its creation and its id.
 */
export async function listUnusedScopes(
  db: Kysely<Database>,
  since: string,
  { after, offset, limit }: Slice,
): Promise<{ readonly items: readonly UnusedScopes[]; readonly total: number }> {
  const items: UnusedScopes[] = [];
  let total = 0;
  for await (const partOf of clientParts(db, oldestFirst)) {
    const part = db
      .selectFrom(partOf(orderedClients(db, oldestFirst).select(['clients.id', 'name', 'scopes'])).as('part'))
      .where(hasUnusedScopes(since));
    const { count } = await part.select(({ fn }) => fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
    if (items.length < limit && total + count > offset) {
      const clients = await part
        .leftJoin('client_usage', 'client_usage.client_id', 'part.id')
        .select(['id', 'name', 'scopes', 'key', 'last_issued_at'])
        .where(keyComesAfter(oldestFirst, after))
        .orderBy('key')
        .orderBy('id')
        .offset(Math.max(0, offset - total))
        .limit(limit - items.length)
        .execute();
      items.push(...(await withoutUsed(db, since, clients)));
    }
    total += count;
  }
  return { items, total };
}

/** SQL for whether the client in the table `part` has more scopes than it has used. Its scopes are a list in JSON, and none has a quote. */
function hasUnusedScopes(since: string): RawBuilder<SqlBool> {
  const used = sql`(select count(*) from scope_usage where client_id = part.id and last_issued_at >= ${since}
    and replace(part.scopes, '"' || scope || '"', '') <> part.scopes)`;
  return sql`scopes <> '[]' and (length(scopes) - length(replace(scopes, '","', ''))) / 3 + 1 > ${used}`;
}

interface ClientRow {
  readonly id: string;
  readonly name: string | null;
  readonly scopes: string;
  readonly key: string;
  readonly last_issued_at: string | null;
}

async function withoutUsed(
  db: Kysely<Database>,
  since: string,
  clients: readonly ClientRow[],
): Promise<readonly UnusedScopes[]> {
  const ids = clients.map(({ id }) => id);
  const used =
    ids.length === 0
      ? []
      : await db
          .selectFrom('scope_usage')
          .select(['client_id', 'scope'])
          .where('client_id', 'in', ids)
          .where('last_issued_at', '>=', since)
          .execute();
  const usedBy = Map.groupBy(used, ({ client_id }) => client_id);
  return clients.map(({ id, name, scopes, key: createdAt, last_issued_at }) => {
    const usedScopes = new Set(usedBy.get(id)?.map(({ scope }) => scope));
    return {
      clientId: id,
      createdAt,
      name,
      lastIssuedAt: readLastIssue(last_issued_at),
      scopes: (JSON.parse(scopes) as string[]).filter((scope) => !usedScopes.has(scope)),
    };
  });
}
