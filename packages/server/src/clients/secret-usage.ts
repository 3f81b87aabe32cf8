/** When each secret was last used: noted in memory, so that issuing writes nothing, and written down now and then. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { setSecretLastUse } from './client-secret-store.ts';

export interface SecretUsage {
  /** `usedAt` in milliseconds since 1970. */
  note(secretId: string, usedAt: number): void;
  /** Undefined where it was not used since the last `write`. */
  lastUse(secretId: string): number | undefined;
  /** Writes down what was noted. */
  write(): Promise<void>;
}

export function createSecretUsage(db: Kysely<Database>): SecretUsage {
  let noted = new Map<string, number>();
  return {
    note: (secretId, usedAt) => void noted.set(secretId, usedAt),
    lastUse: (secretId) => noted.get(secretId),
    async write() {
      const pending = noted;
      noted = new Map();
      if (pending.size === 0) {
        return;
      }
      try {
        await db.transaction().execute(async (transaction) => {
          for (const [secretId, usedAt] of pending) {
            await setSecretLastUse(transaction, secretId, usedAt);
          }
        });
      } catch (error) {
        // What was not written is noted again, unless a later use was noted meanwhile.
        noted = new Map([...pending, ...noted]);
        throw error;
      }
    },
  };
}
