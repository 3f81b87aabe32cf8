/** Stores the counts of tokens and requests. Writing adds to the stored counts, since other nodes add to them too. */
import { type Kysely, sql } from 'kysely';
import { authenticatesBy } from '../clients/client-search-store.ts';
import { setSecretLastUse } from '../clients/client-secret-store.ts';
import { readLastIssue } from '../clients/last-issue.ts';
import { countFound } from '../db/count-rows.ts';
import { deleteBelow } from '../db/in-slices.ts';
import type { Database } from '../db/schema.ts';
import { type ClientCount, countsByScope } from './pending-usage.ts';

export interface ClientUsage {
  readonly tokensIssued: number;
  /** RFC 3339, UTC; null: it has never got a token. */
  readonly lastIssuedAt: string | null;
}

/** Rows in one statement. */
const mostRows = 1_000;

/** Adds the counts of those clients that still exist. */
export async function addClientCounts(db: Kysely<Database>, counts: ReadonlyMap<string, ClientCount>): Promise<void> {
  const existing = await db
    .selectFrom('clients')
    .select('id')
    .where('id', 'in', [...counts.keys()])
    .orderBy('id')
    .execute();
  const found = existing.map(({ id }) => [id, counts.get(id) as ClientCount] as const);
  const clientRows = found.map(([id, count]) => ({
    client_id: id,
    tokens_issued: count.tokensIssued,
    last_issued_at: toText(count.lastIssuedAt),
  }));
  for (const rows of inParts(clientRows)) {
    await db
      .insertInto('client_usage')
      .values(rows)
      .onConflict((conflict) =>
        conflict.column('client_id').doUpdateSet((value) => ({
          tokens_issued: value('client_usage.tokens_issued', '+', value.ref('excluded.tokens_issued')),
          last_issued_at: laterOf('client_usage.last_issued_at', 'excluded.last_issued_at'),
        })),
      )
      .execute();
  }
  const scopeRows = found.flatMap(([id, client]) =>
    [...countsByScope(client)].map(([scope, count]) => ({
      client_id: id,
      scope,
      tokens_issued: count.tokensIssued,
      last_issued_at: toText(count.lastIssuedAt),
    })),
  );
  for (const rows of inParts(scopeRows)) {
    await db
      .insertInto('scope_usage')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['client_id', 'scope']).doUpdateSet((value) => ({
          tokens_issued: value('scope_usage.tokens_issued', '+', value.ref('excluded.tokens_issued')),
          last_issued_at: laterOf('scope_usage.last_issued_at', 'excluded.last_issued_at'),
        })),
      )
      .execute();
  }
}

/** Adds the numbers of requests, by hour since 1970 and by outcome. */
export async function addOutcomes(
  db: Kysely<Database>,
  hours: ReadonlyMap<number, ReadonlyMap<string, number>>,
): Promise<void> {
  const all = [...hours].flatMap(([hour, outcomes]) =>
    [...outcomes].map(([outcome, requests]) => ({ hour, outcome, requests })),
  );
  for (const rows of inParts(all)) {
    await db
      .insertInto('token_statistics')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['hour', 'outcome']).doUpdateSet((value) => ({
          requests: value('token_statistics.requests', '+', value.ref('excluded.requests')),
        })),
      )
      .execute();
  }
}

/** Deletes the outcomes of all hours before `hour`, in hours since 1970. */
export function deleteOutcomesBefore(db: Kysely<Database>, hour: number): Promise<void> {
  return deleteBelow(db, 'token_statistics', 'hour', 'hour', hour);
}

/** Writes when secrets were last used, by id, in milliseconds since 1970. */
export async function writeLastUses(db: Kysely<Database>, lastUses: ReadonlyMap<string, number>): Promise<void> {
  for (const [secretId, usedAt] of lastUses) {
    await setSecretLastUse(db, secretId, usedAt);
  }
}

/** Returns undefined if there is no such client. */
export async function findClientUsage(db: Kysely<Database>, clientId: string): Promise<ClientUsage | undefined> {
  const row = await db.selectFrom('client_usage').selectAll().where('client_id', '=', clientId).executeTakeFirst();
  return row && toUsage(row);
}

/** Returns the usage by scope, including scopes that the client no longer has. */
export async function findScopeUsage(
  db: Kysely<Database>,
  clientId: string,
): Promise<ReadonlyMap<string, ClientUsage>> {
  const rows = await db.selectFrom('scope_usage').selectAll().where('client_id', '=', clientId).execute();
  return new Map(rows.map((row) => [row.scope, toUsage(row)]));
}

/** Returns the outcomes of each hour since 1970, beginning with `from`. */
export async function loadOutcomes(
  db: Kysely<Database>,
  from: number,
): Promise<ReadonlyMap<number, ReadonlyMap<string, number>>> {
  const rows = await db
    .selectFrom('token_statistics')
    .selectAll()
    .where('hour', '>=', from)
    .orderBy('hour')
    .orderBy('outcome')
    .execute();
  const hours = new Map<number, Map<string, number>>();
  for (const { hour, outcome, requests } of rows) {
    const outcomes = hours.get(hour) ?? new Map<string, number>();
    hours.set(hour, outcomes.set(outcome, Number(requests)));
  }
  return hours;
}

export interface SecretClient {
  readonly clientId: string;
  readonly name: string | null;
  readonly tokensIssued: number;
}

/** Clients that are looked at, so that the query takes milliseconds however many there are. */
const mostCompared = 2_000;

/**
 * The clients that authenticate by a secret and got the most tokens, among the 2,000 clients that got one last; most first. `since` is
 * in milliseconds since 1970: those that got none since then are left out.
 */
export async function listBusiestSecretClients(
  db: Kysely<Database>,
  since: number,
  most: number,
): Promise<readonly SecretClient[]> {
  const rows = await db
    .selectFrom((from) =>
      from
        .selectFrom('client_usage')
        .select(['client_id', 'tokens_issued'])
        .where('last_issued_at', '>=', toText(since))
        .orderBy('last_issued_at', 'desc')
        .limit(mostCompared)
        .as('part'),
    )
    .innerJoin('clients', 'clients.id', 'part.client_id')
    .select(['clients.id', 'clients.name', 'part.tokens_issued'])
    .where(authenticatesBy('secret'))
    .orderBy('part.tokens_issued', 'desc')
    .orderBy('clients.id')
    .limit(most)
    .execute();
  return rows.map(({ id, name, tokens_issued }) => ({ clientId: id, name, tokensIssued: Number(tokens_issued) }));
}

export interface ClientNumbers {
  readonly total: number;
  readonly enabled: number;
  /** Those that got a token since then. */
  readonly active: number;
}

/** `since` is in milliseconds since 1970. */
export async function countClientsByUse(db: Kysely<Database>, since: number): Promise<ClientNumbers> {
  const total = await countFound(db.selectFrom('clients'));
  // Few clients are disabled, and an index finds them.
  const disabled = await countFound(db.selectFrom('clients').where('enabled', '=', 0));
  const active = await countFound(db.selectFrom('client_usage').where('last_issued_at', '>=', toText(since)));
  return { total, enabled: total - disabled, active };
}

function laterOf(known: string, added: string) {
  return sql<string>`case when ${sql.ref(added)} > ${sql.ref(known)} then ${sql.ref(added)} else ${sql.ref(known)} end`;
}

function* inParts<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let first = 0; first < rows.length; first += mostRows) {
    yield rows.slice(first, first + mostRows);
  }
}

function toText(ms: number): string {
  return new Date(ms).toISOString();
}

function toUsage(row: { readonly tokens_issued: number; readonly last_issued_at: string }): ClientUsage {
  return { tokensIssued: Number(row.tokens_issued), lastIssuedAt: readLastIssue(row.last_issued_at) };
}
