/** Which clients fail to get tokens, from where, why, and since when. Is recorded in memory, and regularly added to what other nodes wrote. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { addFailures, deleteOldFailures, deleteSurplusFailures } from './failure-store.ts';
import { createPendingFailures, type Failure } from './pending-failures.ts';

export interface Failures {
  record(failure: Failure): void;
  /** Writes what was recorded until now. What cannot be written is kept for the next time. */
  write(): Promise<void>;
  /** Forgets the oldest failures if there are too many. */
  forgetSurplus(): Promise<void>;
  /** Forgets failures that have been over for `failureDays`. */
  forgetPast(nowSeconds: number): Promise<void>;
}

export interface FailuresOptions {
  readonly db: Kysely<Database>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Days for which a failure is shown after the last request that failed so. */
export const failureDays = 7;

export function createFailures({ db, now }: FailuresOptions): Failures {
  const pending = createPendingFailures();
  let lastWrite: Promise<void> = Promise.resolve();

  const writePending = async () => {
    const taken = pending.take();
    if (taken.length === 0) {
      return;
    }
    try {
      await db.transaction().execute((transaction) => addFailures(transaction, taken));
    } catch (error) {
      for (const { requests, lastAt, ...failure } of taken) {
        pending.add(failure, lastAt, requests);
      }
      throw error;
    }
  };

  return {
    record: (failure) => pending.add(failure, now()),
    write() {
      const write = lastWrite.then(writePending);
      lastWrite = write.catch(() => {});
      return write;
    },
    forgetSurplus: () => deleteSurplusFailures(db),
    forgetPast: (nowSeconds) =>
      deleteOldFailures(db, new Date((nowSeconds - failureDays * 86_400) * 1000).toISOString()),
  };
}
