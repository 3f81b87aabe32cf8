/** What a database offers in addition to SQL: notifications between processes, and locks for changes. */
import type { Dialect, Kysely, Transaction } from 'kysely';
import type { Database } from './schema.ts';

/** Commits what was done apart, after `conclude` in the same transaction; if that throws, nothing is kept. */
export type Keep = (conclude: (transaction: Transaction<Database>) => Promise<void>) => Promise<void>;

export interface DatabaseDriver {
  readonly dialect: Dialect;
  /**
   * Waits until no other transaction that called this is under way, and excludes others until this one ends. On a database
   * whose transactions exclude one another anyway, it does nothing.
   */
  lockChanges(transaction: Kysely<Database>): Promise<void>;
  /** Does the same if it need not wait, and otherwise returns false. */
  tryLockChanges(transaction: Kysely<Database>): Promise<boolean>;
  /** Whether another process or connection waits for a row that the transaction has changed. */
  isAwaited(transaction: Kysely<Database>): Promise<boolean>;
  /**
   * Runs `work` in a transaction that holds up nobody else's, and undoes it unless `work` calls `keep`, as its last step,
   * with what is to be done in the transaction that is committed.
   */
  runApart<T>(db: Kysely<Database>, work: (transaction: Transaction<Database>, keep: Keep) => Promise<T>): Promise<T>;
  /** Returns why what is written would be lost, such as that the file was deleted. Undefined: nothing is known of that. */
  findFault(): string | undefined;
  /** The time of the database's own clock, in milliseconds since 1970; undefined if it has none. */
  readTime(db: Kysely<Database>): Promise<number | undefined>;
  /** Wakes the listeners of all processes on the database once `transaction` is committed. */
  announce(transaction: Kysely<Database>): Promise<void>;
  /**
   * Calls `wake` soon after any process announced something, if the database has notifications; one may get lost.
   * Returns the function that stops it.
   */
  listen(wake: () => void): () => Promise<void>;
}
