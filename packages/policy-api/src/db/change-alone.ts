/** Changes one after the other, so that what a change has checked still holds when it writes. */
import type { Kysely, Transaction } from 'kysely';
import type { PolicyDatabase } from './schema.ts';

/**
 * Runs `work` in a transaction, while no other change of policies, rules, targets or storage destinations is under
 * way in any process on this database. Where `work` throws, nothing is kept.
 *
 * Rules look at more than the row they write: names, the erasure targets of a whole policy, the use of a storage
 * destination. Locks on the rows written would let two changes pass that only clash together. Raising the one
 * revision first makes the second wait in every database, without SQL that only some of them have; policies
 * change rarely enough to take turns.
 */
export function changeAlone<T>(
  db: Kysely<PolicyDatabase>,
  work: (transaction: Transaction<PolicyDatabase>) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (transaction) => {
    await transaction
      .updateTable('policy_revision')
      .set((update) => ({ revision: update('revision', '+', 1) }))
      .execute();
    return work(transaction);
  });
}
