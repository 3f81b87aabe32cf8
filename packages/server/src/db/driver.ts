/** What a database offers in addition to SQL: notifications between processes. */
import type { Dialect, Kysely } from 'kysely';
import type { Database } from './schema.ts';

export interface DatabaseDriver {
  readonly dialect: Dialect;
  /** Wakes the listeners of all processes on the database once `transaction` is committed. */
  announce(transaction: Kysely<Database>): Promise<void>;
  /**
   * Calls `wake` soon after any process announced something, if the database has notifications; one may get lost.
   * Returns the function that stops it.
   */
  listen(wake: () => void): () => Promise<void>;
}
