/** A checkpoint a day in the server's own log, which operators keep elsewhere anyway. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Checkpoint, SignCheckpoint } from './checkpoint.ts';
import { readLog } from './event-store.ts';

const dayMs = 86_400_000;

export interface DailyCheckpointOptions {
  readonly db: Kysely<Database>;
  readonly sign: SignCheckpoint;
  readonly write: (checkpoint: Checkpoint) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** To be called every minute or so: writes a checkpoint at the first call, and once a day from there. */
export function createDailyCheckpoint({ db, sign, write, now }: DailyCheckpointOptions): () => Promise<void> {
  let dueAt = 0;
  return async () => {
    if (now() >= dueAt) {
      write(sign(await readLog(db), now()));
      dueAt = now() + dayMs;
    }
  };
}
