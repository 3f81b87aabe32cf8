/** Trusted issuers in the database. */
import type { Kysely, Selectable } from 'kysely';
import type { Database, TrustedIssuerTable } from '../db/schema.ts';
import type { TrustedIssuer } from './trusted-issuer.ts';

/** All, by key. */
export async function loadTrustedIssuers(db: Kysely<Database>): Promise<TrustedIssuer[]> {
  return (await db.selectFrom('trusted_issuers').selectAll().orderBy('key').execute()).map(fromRow);
}

/** Finds the one with that key, or with that issuer identifier. */
export async function findTrustedIssuer(
  db: Kysely<Database>,
  column: 'key' | 'issuer',
  value: string,
): Promise<TrustedIssuer | undefined> {
  const row = await db.selectFrom('trusted_issuers').selectAll().where(column, '=', value).executeTakeFirst();
  return row && fromRow(row);
}

/** Those with a rule for the client, by key. */
export async function loadTrustedIssuersOf(db: Kysely<Database>, clientId: string): Promise<TrustedIssuer[]> {
  const rows = await db
    .selectFrom('trusted_issuers')
    .selectAll()
    .where('key', 'in', (named) =>
      named.selectFrom('issuer_clients').select('issuer_key').where('client_id', '=', clientId),
    )
    .orderBy('key')
    .execute();
  return rows.map(fromRow);
}

/** Makes the issuer, or changes the one of that key. */
export async function saveTrustedIssuer(db: Kysely<Database>, trusted: TrustedIssuer): Promise<void> {
  const columns = {
    issuer: trusted.issuer,
    jwks: trusted.jwks === null ? null : JSON.stringify(trusted.jwks),
    jwks_uri: trusted.jwksUri,
    audience: trusted.audience,
    max_age_seconds: trusted.maxAgeSeconds,
    single_use: trusted.singleUse ? 1 : 0,
    rules: JSON.stringify(trusted.rules),
  };
  await db
    .insertInto('trusted_issuers')
    .values({ key: trusted.key, ...columns })
    .onConflict((conflict) => conflict.column('key').doUpdateSet(columns))
    .execute();
  await db.deleteFrom('issuer_clients').where('issuer_key', '=', trusted.key).execute();
  const clientIds = [...new Set(trusted.rules.map(({ clientId }) => clientId))];
  if (clientIds.length > 0) {
    const rows = clientIds.map((clientId) => ({ client_id: clientId, issuer_key: trusted.key }));
    await db.insertInto('issuer_clients').values(rows).execute();
  }
}

export async function deleteTrustedIssuer(db: Kysely<Database>, key: string): Promise<void> {
  await db.deleteFrom('trusted_issuers').where('key', '=', key).execute();
}

function fromRow(row: Selectable<TrustedIssuerTable>): TrustedIssuer {
  return {
    key: row.key,
    issuer: row.issuer,
    jwks: row.jwks === null ? null : (JSON.parse(row.jwks) as object),
    jwksUri: row.jwks_uri,
    audience: row.audience,
    maxAgeSeconds: row.max_age_seconds,
    singleUse: row.single_use === 1,
    rules: JSON.parse(row.rules) as TrustedIssuer['rules'],
  };
}
