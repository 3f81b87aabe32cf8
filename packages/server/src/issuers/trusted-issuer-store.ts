/** Trusted issuers in the database. */
import type { Kysely } from 'kysely';
import type { Database, TrustedIssuerTable } from '../db/schema.ts';
import { createRowMap, createThingStore, type Forms, type ThingStore } from '../db/thing-store.ts';
import type { TrustedIssuer } from './trusted-issuer.ts';

const forms: Forms<TrustedIssuer> = { jwks: 'json', singleUse: 'flag', rules: 'json' };

const { fromRow } = createRowMap<TrustedIssuerTable, TrustedIssuer>(forms);

const rows = createThingStore<TrustedIssuer>('trusted_issuers', 'key', forms);

export const trustedIssuers: ThingStore<TrustedIssuer> = {
  ...rows,
  async save(db, trusted) {
    await rows.save(db, trusted);
    await db.deleteFrom('issuer_clients').where('issuer_key', '=', trusted.key).execute();
    const clientIds = [...new Set(trusted.rules.map(({ clientId }) => clientId))];
    if (clientIds.length > 0) {
      const named = clientIds.map((clientId) => ({ client_id: clientId, issuer_key: trusted.key }));
      await db.insertInto('issuer_clients').values(named).execute();
    }
  },
};

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
