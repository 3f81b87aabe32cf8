/** Which process pushes events: one row, which it renews. RFC 8935 §2. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';

/** Takes the lease unless another process has it, or extends it. Times are in milliseconds since 1970. Resolves to whether it did. */
export async function takePushLease(
  db: Kysely<Database>,
  holder: string,
  { now, until }: { readonly now: number; readonly until: number },
): Promise<boolean> {
  const lease = { holder, expires_at: until };
  const taken = await db
    .insertInto('push_lease')
    .values({ id: 1, ...lease })
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet(lease)
        .where((held) => held.or([held('push_lease.holder', '=', holder), held('push_lease.expires_at', '<=', now)])),
    )
    .returning('holder')
    .execute();
  return taken.length > 0;
}

export async function releasePushLease(db: Kysely<Database>, holder: string): Promise<void> {
  await db.deleteFrom('push_lease').where('holder', '=', holder).execute();
}
