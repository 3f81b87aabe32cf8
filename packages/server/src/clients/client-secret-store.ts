/** Client secrets in the database: their digests, and what is known of their use. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { ClientSecret, SecretDigest } from './client-secret.ts';

/** Oldest first, the expired ones among them. */
export async function listSecrets(db: Kysely<Database>, clientId: string): Promise<ClientSecret[]> {
  const rows = await db
    .selectFrom('client_secrets')
    .selectAll()
    .where('client_id', '=', clientId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    digest: row.digest === null ? null : Buffer.from(row.digest, 'base64url'),
    imported:
      row.imported_form === null || row.imported_digest === null
        ? null
        : { form: row.imported_form, sealedDigest: row.imported_digest },
    lastFour: row.last_four,
    createdAt: Date.parse(row.created_at),
    expiresAt: toMs(row.expires_at),
    lastUsedAt: toMs(row.last_used_at),
  }));
}

export async function insertSecret(db: Kysely<Database>, clientId: string, secret: ClientSecret): Promise<void> {
  await db
    .insertInto('client_secrets')
    .values({
      id: secret.id,
      client_id: clientId,
      digest: secret.digest === null ? null : secret.digest.toString('base64url'),
      imported_form: secret.imported?.form ?? null,
      imported_digest: secret.imported?.sealedDigest ?? null,
      last_four: secret.lastFour,
      created_at: toText(secret.createdAt),
      expires_at: secret.expiresAt === null ? null : toText(secret.expiresAt),
      last_used_at: null,
    })
    .execute();
}

export async function setSecretExpiry(db: Kysely<Database>, id: string, expiresAt: number): Promise<void> {
  await db
    .updateTable('client_secrets')
    .set({ expires_at: toText(expiresAt) })
    .where('id', '=', id)
    .execute();
}

/** A later time that is there already stays: another node may have seen a later use. */
export async function setSecretLastUse(db: Kysely<Database>, id: string, lastUsedAt: number): Promise<void> {
  await db
    .updateTable('client_secrets')
    .set({ last_used_at: toText(lastUsedAt) })
    .where('id', '=', id)
    .where((where) => where.or([where('last_used_at', 'is', null), where('last_used_at', '<', toText(lastUsedAt))]))
    .execute();
}

/**
 * How many secrets have only the digest of another server, which no use has replaced yet, by the form of that digest, in the
 * order of the forms.
 */
export async function countImportedForms(db: Kysely<Database>): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('client_secrets')
    .select(['imported_form', (count) => count.fn.countAll<number>().as('secrets')])
    .where('imported_form', 'is not', null)
    .groupBy('imported_form')
    .orderBy('imported_form')
    .execute();
  return new Map(rows.map(({ imported_form, secrets }) => [imported_form as string, Number(secrets)]));
}

/** Replaces the digest of another server. Returns false if the secret has none, or is deleted. */
export async function replaceImportedDigest(
  db: Kysely<Database>,
  id: string,
  { digest, lastFour }: SecretDigest,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('client_secrets')
    .set({
      digest: digest.toString('base64url'),
      last_four: lastFour,
      imported_form: null,
      imported_digest: null,
    })
    .where('id', '=', id)
    .where('imported_form', 'is not', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export async function deleteSecret(db: Kysely<Database>, id: string): Promise<void> {
  await db.deleteFrom('client_secrets').where('id', '=', id).execute();
}

function toText(ms: number): string {
  return new Date(ms).toISOString();
}

function toMs(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}
