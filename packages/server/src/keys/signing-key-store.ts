/** Signing keys in the database, their private halves sealed. */
import type { SigningAlgorithm } from '@postern/guard';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { MasterKey } from './master-key.ts';
import { openSigningKey, type SigningKey, sealSigningKey } from './signing-key.ts';

/** Loads all keys, oldest first. Throws if the master key is not the one that sealed them. */
export async function loadSigningKeys(db: Kysely<Database>, masterKey: MasterKey): Promise<SigningKey[]> {
  const rows = await db.selectFrom('signing_keys').selectAll().orderBy('created_at').orderBy('signs_from').execute();
  return rows.map((row) =>
    openSigningKey(
      { kid: row.kid, alg: row.alg as SigningAlgorithm, sealed: row.sealed_private_key },
      {
        createdAt: Date.parse(row.created_at),
        signsFrom: Date.parse(row.signs_from),
        signsUntil: row.signs_until === null ? null : Date.parse(row.signs_until),
        longestTtlSeconds: row.longest_ttl_seconds,
      },
      masterKey,
    ),
  );
}

/** Which of the keys are in the database: all that are published. */
export async function findPublishedKids(db: Kysely<Database>, kids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom('signing_keys').select('kid').where('kid', 'in', kids).execute();
  return new Set(rows.map(({ kid }) => kid));
}

export async function insertSigningKey(db: Kysely<Database>, key: SigningKey, masterKey: MasterKey): Promise<void> {
  await db
    .insertInto('signing_keys')
    .values({
      kid: key.kid,
      alg: key.alg,
      sealed_private_key: sealSigningKey(key, masterKey),
      created_at: toText(key.createdAt),
      signs_from: toText(key.signsFrom),
      signs_until: null,
      longest_ttl_seconds: key.longestTtlSeconds,
    })
    .execute();
}

/** Sets the end of the keys that `successor` replaces: those of its algorithm, and of algorithms that are not in use. */
export async function retireSigningKeys(
  db: Kysely<Database>,
  successor: SigningKey,
  algorithmsInUse: readonly SigningAlgorithm[],
): Promise<void> {
  const others = algorithmsInUse.filter((alg) => alg !== successor.alg);
  let update = db
    .updateTable('signing_keys')
    .set({ signs_until: toText(successor.signsFrom) })
    .where('signs_until', 'is', null)
    .where('kid', '!=', successor.kid);
  if (others.length > 0) {
    update = update.where('alg', 'not in', others);
  }
  await update.execute();
}

/** Lets a key sign on, or again, until it has another successor. */
export async function resumeSigningKey(db: Kysely<Database>, kid: string): Promise<void> {
  await db.updateTable('signing_keys').set({ signs_until: null }).where('kid', '=', kid).execute();
}

/** Lets the keys of an algorithm sign on that a key was to replace at `signsFrom`. */
export async function resumeReplacedKeys(db: Kysely<Database>, { alg, signsFrom }: SigningKey): Promise<void> {
  await db
    .updateTable('signing_keys')
    .set({ signs_until: null })
    .where('alg', '=', alg)
    .where('signs_until', '=', toText(signsFrom))
    .execute();
}

/** Lets a key sign at once, before every copy of the JWKS has it. */
export async function startSigningKey(db: Kysely<Database>, kid: string, now: number): Promise<void> {
  await db
    .updateTable('signing_keys')
    .set({ signs_from: toText(now) })
    .where('kid', '=', kid)
    .execute();
}

/** Makes every key that may still sign verify long enough for a token of `ttlSeconds`. */
export async function coverTokenLifetime(db: Kysely<Database>, ttlSeconds: number, now: number): Promise<void> {
  await db
    .updateTable('signing_keys')
    .set({ longest_ttl_seconds: ttlSeconds })
    .where('longest_ttl_seconds', '<', ttlSeconds)
    .where((where) => where.or([where('signs_until', 'is', null), where('signs_until', '>', toText(now))]))
    .execute();
}

/** The longest lifetime that a client sets, in seconds; 0 if none does. */
export async function findLongestClientTtl(db: Kysely<Database>): Promise<number> {
  const { longest } = await db
    .selectFrom('clients')
    .select((select) => select.fn.max('access_token_ttl_seconds').as('longest'))
    .executeTakeFirstOrThrow();
  return longest ?? 0;
}

/** The longest lifetime of any token that may still be valid, in seconds. */
export async function findLongestTokenTtl(db: Kysely<Database>): Promise<number> {
  const { longest } = await db
    .selectFrom('signing_keys')
    .select((select) => select.fn.max('longest_ttl_seconds').as('longest'))
    .executeTakeFirstOrThrow();
  return longest ?? 0;
}

export async function deleteSigningKey(db: Kysely<Database>, kid: string): Promise<void> {
  await db.deleteFrom('signing_keys').where('kid', '=', kid).execute();
}

function toText(ms: number): string {
  return new Date(ms).toISOString();
}
