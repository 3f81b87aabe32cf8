/** What a database offers besides its SQL. */
import type { Dialect, Kysely } from 'kysely';
import type { Database } from './schema.ts';

export interface DatabaseDriver {
  readonly dialect: Dialect;
  /** Wakes the listeners of all processes on the database once `transaction` is committed. */
  announce(transaction: Kysely<Database>): Promise<void>;
  /**
   * Calls `wake` soon after any process announced something, where the database can tell; a message may get lost.
   * Returns what ends it.
   */
  listen(wake: () => void): () => Promise<void>;
}
