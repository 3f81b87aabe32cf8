/**
 * The use of clients: how many tokens they get for which scopes, why others get none, when secrets were last used. It is
 * noted in memory, so that issuing writes nothing, and written down now and then, added to what other nodes wrote.
 */
import { setImmediate } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Client } from '../clients/client.ts';
import { isDatabaseOutage } from '../db/outage.ts';
import type { Database } from '../db/schema.ts';
import {
  emptyUsage,
  msPerHour,
  type Noted,
  recordAgain,
  recordOutcome,
  recordSecret,
  recordTokens,
} from './pending-usage.ts';
import { addClientCounts, addOutcomes, forgetOutcomes, writeLastUses } from './usage-store.ts';

export interface Usage {
  /** A token was issued that holds `scope`, names with a space between. The root client's are in the statistics only. */
  recordIssued(client: Client, scope: string): void;
  /** A request for a token was refused. `reason` is one of a few. */
  recordRefused(reason: string): void;
  recordSecretUse(secretId: string): void;
  /** In milliseconds since 1970. Undefined: not since what was last written down. */
  lastSecretUse(secretId: string): number | undefined;
  /** Writes down all that was noted until now. What cannot be written is kept for the next time. */
  write(): Promise<void>;
}

export interface UsageOptions {
  readonly db: Kysely<Database>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Days for which there are statistics. */
export const statisticsDays = 90;

/** Clients, or secrets, that are written in one transaction: few enough that others have their turn soon. */
const batchSize = 200;

/** Different clients that are counted before they are written down without waiting for the next minute. */
const manyClients = 50_000;

/** At the most; while the database is away, tokens of further clients are counted in the statistics only. */
const mostClients = 4 * manyClients;

export function createUsage({ db, now }: UsageOptions): Usage {
  let noted = emptyUsage();
  /** What is being written, less what has been. */
  let writing = emptyUsage();
  let lastWrite: Promise<void> = Promise.resolve();
  let isUnderWay = false;

  const writeNoted = async () => {
    writing = noted;
    noted = emptyUsage();
    try {
      await writeAll(db, writing, now());
    } catch (error) {
      recordAgain(noted, writing);
      throw error;
    } finally {
      writing = emptyUsage();
    }
  };

  const usage: Usage = {
    recordIssued(client, scope) {
      const at = now();
      recordOutcome(noted, 'issued', 1, at);
      const { clients } = noted;
      if (client.isRoot || (clients.size >= mostClients && !clients.has(client.id))) {
        return;
      }
      recordTokens(noted, client.id, scope, { tokensIssued: 1, lastIssuedAt: at });
      if (clients.size >= manyClients && !isUnderWay) {
        // Where this fails, the write of the next minute fails too and says so.
        usage.write().catch(() => {});
      }
    },
    recordRefused: (reason) => recordOutcome(noted, reason, 1, now()),
    recordSecretUse: (secretId) => recordSecret(noted, secretId, now()),
    lastSecretUse: (secretId) => noted.secrets.get(secretId) ?? writing.secrets.get(secretId),
    write() {
      isUnderWay = true;
      const write = lastWrite.then(writeNoted);
      lastWrite = write.then(
        () => {
          isUnderWay = false;
        },
        () => {
          isUnderWay = false;
        },
      );
      return write;
    },
  };
  return usage;
}

/** Takes out of `noted` what is written, a batch at a time. */
async function writeAll(db: Kysely<Database>, noted: Noted, now: number): Promise<void> {
  if (noted.hours.size > 0) {
    await db.transaction().execute(async (transaction) => {
      await addOutcomes(transaction, noted.hours);
      await forgetOutcomes(transaction, Math.floor(now / msPerHour) - statisticsDays * 24);
    });
    noted.hours.clear();
  }
  await writeBatches(noted.secrets, (batch) =>
    db.transaction().execute((transaction) => writeLastUses(transaction, batch)),
  );
  await writeBatches(noted.clients, async (batch) => {
    const write = () => db.transaction().execute((transaction) => addClientCounts(transaction, batch));
    try {
      await write();
    } catch (error) {
      if (isDatabaseOutage(error)) {
        throw error;
      }
      // A client that goes while its counts are written makes them fail; the second time it is left out.
      await write();
    }
  });
}

/** In the order of ids, so that nodes that write at once do not wait for each other in a circle. */
async function writeBatches<T>(
  entries: Map<string, T>,
  write: (batch: ReadonlyMap<string, T>) => Promise<void>,
): Promise<void> {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  for (let first = 0; first < sorted.length; first += batchSize) {
    const batch = sorted.slice(first, first + batchSize);
    await write(new Map(batch));
    for (const [id] of batch) {
      entries.delete(id);
    }
    await setImmediate();
  }
}
