/** Batches that were accepted: they run one at a time, and what waits is bounded. RFC 9110 §15.6.4. */
import { OAuthError } from '@postern/protocol';
import { maxBatchBytes } from '@postern/protocol/api-limits';

/** Batches that are accepted at once, of one client and of all, and the sum of the bytes of their bodies. */
const mostOfClient = { count: 4, bytes: 2 * maxBatchBytes };
const mostOfAll = { count: 10, bytes: 4 * maxBatchBytes };

export interface BatchQueue {
  /**
   * Accepts a batch before its body is read, and returns the function that tells that it is done. Throws
   * `temporarily_unavailable` if too many are accepted already.
   */
  accept(clientId: string, bytes: number): () => void;
  /** Runs `work` when all before it have ended. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createBatchQueue(): BatchQueue {
  const accepted = new Set<{ readonly clientId: string; readonly bytes: number }>();
  let last: Promise<unknown> = Promise.resolve();

  const isFull = (most: typeof mostOfAll, bytes: number, clientId?: string) => {
    const those = [...accepted].filter((batch) => clientId === undefined || batch.clientId === clientId);
    return those.length >= most.count || those.reduce((sum, batch) => sum + batch.bytes, bytes) > most.bytes;
  };

  return {
    accept(clientId, bytes) {
      if (isFull(mostOfAll, bytes) || isFull(mostOfClient, bytes, clientId)) {
        throw new OAuthError('temporarily_unavailable', 'Too many batches wait for their turn; retry later.', {
          reason: 'overloaded',
        });
      }
      const batch = { clientId, bytes };
      accepted.add(batch);
      return () => void accepted.delete(batch);
    },
    run(work) {
      const done = last.then(work);
      last = done.catch(() => {});
      return done;
    },
  };
}
