/**
 * The usage of clients: how many tokens they get for which scopes, why requests fail, when secrets were last used. It is
 * recorded in memory, so that issuing a token writes nothing, and regularly added to what other nodes wrote.
 */
import { setImmediate } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Client } from '../clients/client.ts';
import { isDatabaseOutage } from '../db/outage.ts';
import type { Database } from '../db/schema.ts';
import {
  emptyUsage,
  msPerHour,
  type PendingUsage,
  recordAgain,
  recordOutcome,
  recordSecret,
  recordTokens,
} from './pending-usage.ts';
import { addClientCounts, addOutcomes, deleteOutcomesBefore, writeLastUses } from './usage-store.ts';

/** The name under which those of the issued tokens are counted that were issued by a shared secret. */
export const issuedBySecret = 'issued_by_secret';

export interface Usage {
  /**
   * Records a token with `scope`, names with spaces between; `bySecret`: its client proved who it is by a shared secret. Tokens of
   * root are counted in the statistics only.
   */
  recordIssued(client: Client, scope: string, bySecret: boolean): void;
  /** Records a failed request for a token. `reason` is one of few values. */
  recordRefused(reason: string): void;
  /** Records the use of a secret of a client that has so many secrets. */
  recordSecretUse(secretId: string, secrets: number): void;
  /** Returns milliseconds since 1970. Undefined: not used since the usage was last written. */
  lastSecretUse(secretId: string): number | undefined;
  /** Returns milliseconds since 1970. Undefined: the client got no token since the usage was last written. */
  lastTokenIssue(clientId: string): number | undefined;
  /** Writes what was recorded until now. What cannot be written is kept for the next time. */
  write(): Promise<void>;
  /**
   * Writes the uses of secrets of those clients that have several: a person who rotates a secret decides by them when
   * the old one can be deleted, and another node may have seen them.
   */
  writeRotations(): Promise<void>;
  /** Deletes statistics of the time before the last `statisticsDays`. */
  forgetPast(nowSeconds: number): Promise<void>;
}

export interface UsageOptions {
  readonly db: Kysely<Database>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Milliseconds until other nodes know that a secret of a client with several was used. */
export const secretUseIntervalMs = 5_000;

/** Days for which there are statistics. */
export const statisticsDays = 90;

/** Clients, or secrets, in one transaction: few enough that other writers do not wait long. */
const batchSize = 200;

/** Number of clients with pending usage at which it is written at once. */
const manyClients = 50_000;

/** Largest number of clients with pending usage. Tokens of further ones are counted in the statistics only. */
const mostClients = 4 * manyClients;

export function createUsage({ db, now }: UsageOptions): Usage {
  const buffer = createBuffer(db);
  const rotations = createBuffer(db);
  let lastWrite: Promise<void> = Promise.resolve();
  let isWriting = false;

  /** One after another. */
  const enqueue = (writeOne: () => Promise<void>): Promise<void> => {
    const write = lastWrite.then(writeOne);
    lastWrite = write.catch(() => {});
    return write;
  };

  const usage: Usage = {
    recordIssued(client, scope, bySecret) {
      const at = now();
      const pending = buffer.pending();
      recordOutcome(pending, 'issued', 1, at);
      if (bySecret) {
        recordOutcome(pending, issuedBySecret, 1, at);
      }
      const { clients } = pending;
      if (client.isRoot || (clients.size >= mostClients && !clients.has(client.id))) {
        return;
      }
      recordTokens(pending, client.id, scope, { tokensIssued: 1, lastIssuedAt: at });
      if (clients.size >= manyClients && !isWriting) {
        // If this fails, the write of the next minute fails too and is logged.
        usage.write().catch(() => {});
      }
    },
    recordRefused: (reason) => recordOutcome(buffer.pending(), reason, 1, now()),
    recordSecretUse: (secretId, secrets) => recordSecret((secrets > 1 ? rotations : buffer).pending(), secretId, now()),
    lastSecretUse: (secretId) => rotations.lastSecretUse(secretId) ?? buffer.lastSecretUse(secretId),
    lastTokenIssue: buffer.lastTokenIssue,
    write() {
      isWriting = true;
      return enqueue(async () => {
        try {
          await rotations.write();
          await buffer.write();
        } finally {
          isWriting = false;
        }
      });
    },
    writeRotations: () => enqueue(rotations.write),
    forgetPast: (nowSeconds) =>
      deleteOutcomesBefore(db, Math.floor((nowSeconds * 1000) / msPerHour) - statisticsDays * 24),
  };
  return usage;
}

/** What was recorded since it was last written, and writes it. What cannot be written is kept for the next time. */
function createBuffer(db: Kysely<Database>) {
  let pending = emptyUsage();
  /** The part of the usage in a write that has not been written yet. */
  let writing = emptyUsage();
  return {
    pending: (): PendingUsage => pending,
    lastSecretUse: (secretId: string) => pending.secrets.get(secretId) ?? writing.secrets.get(secretId),
    lastTokenIssue: (clientId: string) =>
      (pending.clients.get(clientId) ?? writing.clients.get(clientId))?.lastIssuedAt,
    async write(): Promise<void> {
      writing = pending;
      pending = emptyUsage();
      try {
        await writeAll(db, writing);
      } catch (error) {
        recordAgain(pending, writing);
        throw error;
      } finally {
        writing = emptyUsage();
      }
    },
  };
}

/**
 * Writes `pending` in batches, and removes from it what is written: before the commit, since a commit whose answer is lost
 * may have succeeded, and rather is a batch missing from the usage than added twice.
 */
async function writeAll(db: Kysely<Database>, pending: PendingUsage): Promise<void> {
  if (pending.hours.size > 0) {
    await db.transaction().execute(async (transaction) => {
      await addOutcomes(transaction, pending.hours);
      pending.hours.clear();
    });
  }
  await writeBatches(pending.secrets, (batch, remove) =>
    db.transaction().execute(async (transaction) => {
      await writeLastUses(transaction, batch);
      remove();
    }),
  );
  await writeBatches(pending.clients, async (batch, remove) => {
    const write = () =>
      db.transaction().execute(async (transaction) => {
        await addClientCounts(transaction, batch);
        remove();
      });
    try {
      await write();
    } catch (error) {
      if (isDatabaseOutage(error)) {
        throw error;
      }
      // The write fails if a client is deleted meanwhile; the second time that client is left out.
      await write();
    }
  });
}

/** Writes in the order of ids, so that two nodes cannot deadlock. */
async function writeBatches<T>(
  entries: Map<string, T>,
  write: (batch: ReadonlyMap<string, T>, remove: () => void) => Promise<void>,
): Promise<void> {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  for (let first = 0; first < sorted.length; first += batchSize) {
    const batch = sorted.slice(first, first + batchSize);
    await write(new Map(batch), () => {
      for (const [id] of batch) {
        entries.delete(id);
      }
    });
    await setImmediate();
  }
}
