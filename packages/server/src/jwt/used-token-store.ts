/**
 * Which one-time tokens were used: client assertions, DPoP proofs, workload tokens. RFC 7523 §3, RFC 9449 §11.1. They
 * are in the database, so that other nodes and a restarted one know them too, and by `jti`, since the text of a JWT is
 * malleable.
 */
import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { UseBudget } from '@postern/guard';
import { CompiledQuery, type Kysely } from 'kysely';
import { deleteBelow } from '../db/in-slices.ts';
import type { Database } from '../db/schema.ts';

export interface OneTimeToken {
  readonly kind: 'assertion' | 'dpop' | 'workload' | 'sign-in';
  /** The party that chose its `jti`. */
  readonly issuer: string;
  readonly jti: string;
  /** Seconds since 1970: from then on the token has expired and need not be remembered. */
  readonly expiresAt: number;
  /** The client that it counts for. */
  readonly clientId: string;
}

export interface UsedTokens {
  /**
   * True for the first use of a token, false for every other. Resolves when the use is on the disk. Throws
   * `too_many_requests` if the client has used too many that have not expired. To be called only if nothing else is wrong
   * with a request, since it writes a row.
   */
  use(token: OneTimeToken): Promise<boolean>;
  /** Deletes those that expired before `seconds` since 1970. */
  forgetExpired(seconds: number): Promise<void>;
}

interface Use {
  readonly id: string;
  readonly expiresAt: number;
  readonly resolve: (first: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** At most this many uses are written in one statement; well below SQLite's limit on parameters. */
const maxBatchSize = 500;

/** For each node, and since its start. A row takes about 200 bytes. */
const limits = { mostOfClient: 100_000, mostOfAll: 10_000_000 };

/**
 * Uses that arrive while others are being written are written together, in one commit. Times are in milliseconds; `monotonic` never
 * jumps.
 */
export function createUsedTokens(db: Kysely<Database>, now: () => number, monotonic = now): UsedTokens {
  const budget = new UseBudget({ ...limits, now, monotonic });
  let waiting: Use[] = [];
  let writing = false;
  /** The statements, by the number of their rows: to compile one takes 10 µs a row. */
  const insertions = new Map<number, string>();

  /** Returns those ids that were not there before. */
  const insert = async (rows: readonly { readonly id: string; readonly expires_at: number }[]) => {
    const text =
      insertions.get(rows.length) ??
      db
        .insertInto('used_tokens')
        .values(rows)
        .onConflict((conflict) => conflict.column('id').doNothing())
        .returning('id')
        .compile().sql;
    insertions.set(rows.length, text);
    const values = rows.flatMap((row) => [row.id, row.expires_at]);
    const inserted = await db.executeQuery<{ id: string }>(CompiledQuery.raw(text, values));
    return new Set(inserted.rows.map(({ id }) => id));
  };

  const write = async (batch: readonly Use[]) => {
    // Of equal ones in a batch, only the first can be the first use.
    const distinct = new Map(batch.toReversed().map((use) => [use.id, use]));
    // Every node inserts in the same order, so that no two deadlock.
    const rows = [...distinct.values()]
      .map(({ id, expiresAt }) => ({ id, expires_at: expiresAt }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    try {
      const first = await insert(rows);
      for (const use of batch) {
        use.resolve(first.has(use.id) && distinct.get(use.id) === use);
      }
    } catch (error) {
      for (const use of batch) {
        use.reject(error);
      }
    }
  };

  const drain = async () => {
    writing = true;
    // Those of all requests that arrived in this turn of the event loop are written together.
    await setImmediate();
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxBatchSize);
      waiting = waiting.slice(maxBatchSize);
      await write(batch);
    }
    writing = false;
  };

  return {
    async use({ kind, issuer, jti, expiresAt, clientId }) {
      budget.take(clientId, expiresAt);
      const id = hash('sha256', JSON.stringify([kind, issuer, jti]), 'base64url');
      return new Promise((resolve, reject) => {
        waiting.push({ id, expiresAt: Math.ceil(expiresAt), resolve, reject });
        if (!writing) {
          void drain();
        }
      });
    },
    forgetExpired: (seconds) => deleteBelow(db, 'used_tokens', 'id', 'expires_at', Math.floor(seconds)),
  };
}
