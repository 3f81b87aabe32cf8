/**
 * A file in the data directory that says which event was the last one that this node has heard. It shows at the next start
 * whether the database has lost it meanwhile. It is not part of a backup of the database.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogHead } from '../events/event.ts';

export interface HistoryAnchor {
  /** The event that was written last; undefined if there is none of this log. */
  read(logId: string): Promise<AnchoredEvent | undefined>;
  /** A file that cannot be written only means that less is known later. */
  write(logId: string, event: AnchoredEvent): Promise<void>;
}

export interface AnchoredEvent extends LogHead {
  /** Milliseconds since 1970 at which it was written. */
  readonly knownAt: number;
}

export function createHistoryAnchor(dataDir: string): HistoryAnchor {
  const path = join(dataDir, 'last-event.json');
  return {
    async read(logId) {
      try {
        const { log_id, sequence, hash, written_at } = JSON.parse(await readFile(path, 'utf8'));
        const knownAt = Date.parse(written_at);
        const isWhole = Number.isSafeInteger(sequence) && typeof hash === 'string' && Number.isFinite(knownAt);
        return log_id === logId && isWhole ? { sequence, hash, knownAt } : undefined;
      } catch {
        return undefined;
      }
    },
    async write(logId, { sequence, hash, knownAt }) {
      const draft = `${path}.${process.pid}.new`;
      try {
        const text = JSON.stringify({ log_id: logId, sequence, hash, written_at: new Date(knownAt).toISOString() });
        await writeFile(draft, `${text}\n`, { mode: 0o600 });
        await rename(draft, path);
      } catch {}
    },
  };
}
