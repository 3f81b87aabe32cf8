/** Transactions whose statements share round trips to the database. */
import { type Dialect, Transaction } from 'kysely';
import type { Database } from './schema.ts';

/**
 * Returns the transaction with each statement sent when it is asked for, while Kysely would first wait for the answer to the
 * one before. The database performs them in that order, so each still sees what those before it did.
 */
export async function sentTogether(
  transaction: Transaction<Database>,
  dialect: Dialect,
): Promise<Transaction<Database>> {
  const oneByOne = transaction.getExecutor();
  const connection = await oneByOne.provideConnection(async (its) => its);
  const executor = oneByOne.withConnectionProvider({ provideConnection: (consumer) => consumer(connection) });
  // The driver is for transactions inside this one, which there are none of.
  return new Transaction({ config: { dialect }, dialect, driver: dialect.createDriver(), executor });
}
