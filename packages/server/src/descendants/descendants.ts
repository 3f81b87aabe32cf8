/**
 * How many tokens were issued by exchange below each token, for which clients and resources: what ends when it is revoked. RFC 8693.
 *
 * It is recorded in memory, so that issuing a token writes nothing, and added every few seconds to what other nodes wrote. A token
 * names those behind it itself (`parent_tokens`), so these counts decide nothing: they say what an end means, before and after it.
 * They are exact about this process, and lack what other processes issued in the last seconds. They are bounded; what comes on top
 * is counted below no token, and then `isComplete` is false. A count ends when the last of its tokens expires.
 */
import { setImmediate } from 'node:timers/promises';
import { parentTokensOf } from '@postern/guard';
import type { Kysely } from 'kysely';
import type { Authorization } from '../access-token/authorization.ts';
import type { Database } from '../db/schema.ts';
import {
  addDescendants,
  addUncountedTokens,
  deleteExpiredDescendants,
  findDescendants,
  hasDescendantRows,
  hasUncountedTokens,
  type StoredDescendants,
} from './descendant-store.ts';
import {
  type Ancestor,
  type DescendantCount,
  emptyDescendants,
  forgetCounts,
  mergeCount,
  type PendingDescendants,
  recordDescendantsAgain,
  recordExchanged,
} from './pending-descendants.ts';

/** Counts that this process writes at once, every few seconds, so that what it writes is bounded however many tokens it issues. */
const mostPending = 5_000;

/** Counts in the database beyond which tokens are counted below the first of those behind them alone; beyond twice as many, below none. */
const mostStored = 200_000;

/** Tokens whose counts are in one transaction. */
const batchSize = 200;

/** Clients and resources that are listed. */
const mostListed = 50;

/** Times that counts are read while others are written. */
const mostAttempts = 5;

/** Below which tokens: one, or all of a client that may still be active. */
export type DescendantsOf = { readonly jti: string } | { readonly clientId: string };

export interface Descendants {
  readonly tokensIssued: number;
  /** False if more may have been issued than are counted. */
  readonly isComplete: boolean;
  /** Those with the most tokens, at most 50. */
  readonly issuedTo: readonly Pick<DescendantCount, 'clientId' | 'resource' | 'tokensIssued' | 'lastExpiresAt'>[];
  /** The client that the token was issued to, if something was counted below it. */
  readonly clientId: string | undefined;
}

export interface DescendantCounts {
  /** Records a token that was issued, if it was by exchange. `expiresAt` is in seconds since 1970. */
  recordIssued(authorization: Authorization, expiresAt: number): void;
  /**
   * Returns what was issued below a token, or below all tokens of a client that may still be active. `db` may be a transaction, in
   * which the token or client is revoked.
   */
  count(db: Kysely<Database>, of: DescendantsOf): Promise<Descendants>;
  /** Writes what was recorded until now. What cannot be written is kept for the next time. */
  write(): Promise<void>;
  /** Deletes the counts of tokens that have all expired at `nowSeconds`, in seconds since 1970. */
  forgetPast(nowSeconds: number): Promise<void>;
}

export interface DescendantCountsOptions {
  readonly db: Kysely<Database>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createDescendantCounts({ db, now }: DescendantCountsOptions): DescendantCounts {
  let pending = emptyDescendants();
  /** What is being written. */
  let writing = emptyDescendants();
  let lastWrite: Promise<void> = Promise.resolve();
  let isFull = false;
  let isClosed = false;
  /** Batches that were written. While none is, the database and the memory together have every count once. */
  let batches = 0;

  const writeAll = async () => {
    writing = pending;
    pending = emptyDescendants();
    try {
      await writePending(db, writing, () => {
        batches += 1;
      });
    } catch (error) {
      recordDescendantsAgain(pending, writing, mostPending);
      throw error;
    } finally {
      writing = emptyDescendants();
    }
  };

  return {
    recordIssued({ client, audience, claims = {} }, expiresAt) {
      const parents = parentTokensOf({ claims });
      if (parents.length > 0) {
        const token = { clientId: client.id, resource: audience, expiresAt, parents };
        recordExchanged(pending, token, {
          mostRows: isClosed ? 0 : mostPending,
          mostParents: isFull ? 1 : parents.length,
        });
      }
    },

    async count(from, of) {
      const nowSeconds = now() / 1000;
      for (let attempt = 1; ; attempt += 1) {
        const before = batches;
        const [hasUncounted, stored] = await Promise.all([
          hasUncountedTokens(from, nowSeconds),
          findDescendants(from, 'jti' in of ? of : { ...of, nowSeconds }),
        ]);
        if (batches === before || attempt === mostAttempts) {
          const { tokensIssued, counts, clientId } = addAll(stored, ancestorsOf([pending, writing], of), of);
          const isLost = [pending, writing].some(({ uncounted }) => uncounted.tokensIssued > 0);
          return {
            tokensIssued,
            isComplete: !hasUncounted && !isLost && batches === before,
            issuedTo: [...counts.values()]
              .sort((one, other) => other.tokensIssued - one.tokensIssued)
              .slice(0, mostListed)
              .map(({ tokensBelowClient: _, ...listed }) => listed),
            clientId,
          };
        }
      }
    },

    write() {
      const write = lastWrite.then(writeAll);
      lastWrite = write.catch(() => {});
      return write;
    },

    async forgetPast(nowSeconds) {
      await deleteExpiredDescendants(db, nowSeconds);
      isFull = await hasDescendantRows(db, mostStored);
      isClosed = isFull && (await hasDescendantRows(db, 2 * mostStored));
    },
  };
}

/** What is stored, and what is not yet. */
function addAll(stored: StoredDescendants, unwritten: readonly Ancestor[], of: DescendantsOf) {
  const counts = new Map<string, DescendantCount>();
  for (const count of stored.counts) {
    mergeCount(counts, count);
  }
  let { tokensIssued, ancestorClientId: clientId } = stored;
  for (const ancestor of unwritten) {
    clientId ??= ancestor.clientId;
    for (const count of ancestor.counts.values()) {
      const tokens = 'jti' in of ? count.tokensIssued : count.tokensBelowClient;
      tokensIssued += tokens;
      if (tokens > 0) {
        mergeCount(counts, { ...count, tokensIssued: tokens });
      }
    }
  }
  return { tokensIssued, counts, clientId };
}

function ancestorsOf(all: readonly PendingDescendants[], of: DescendantsOf): Ancestor[] {
  return all.flatMap(({ ancestors }) =>
    'jti' in of
      ? (ancestors.get(of.jti) ?? [])
      : [...ancestors.values()].filter(({ clientId }) => clientId === of.clientId),
  );
}

/**
 * Writes the counts in batches, in the order of ids, so that two nodes cannot deadlock, and removes from `pending` what is written. A
 * commit whose answer is lost may have succeeded: then its tokens are counted as such that nobody has counted, and none twice.
 */
async function writePending(db: Kysely<Database>, pending: PendingDescendants, onWritten: () => void): Promise<void> {
  const { ancestors, uncounted } = pending;
  const sorted = [...ancestors].sort(([a], [b]) => (a < b ? -1 : 1));
  for (let first = 0; first < sorted.length; first += batchSize) {
    const batch = new Map(sorted.slice(first, first + batchSize));
    let isSent = false;
    try {
      await db.transaction().execute(async (transaction) => {
        await addDescendants(transaction, batch);
        isSent = true;
      });
    } catch (error) {
      if (isSent) {
        forgetCounts(pending, batch);
      }
      throw error;
    }
    for (const jti of batch.keys()) {
      ancestors.delete(jti);
    }
    onWritten();
    await setImmediate();
  }
  if (uncounted.tokensIssued > 0) {
    await addUncountedTokens(db, uncounted);
    uncounted.tokensIssued = 0;
  }
}
