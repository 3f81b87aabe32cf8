/** Changes take turns by the host's event log, and need no revision of their own. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('policy_revision').execute();
}
