/**
 * A file in the data directory that says which event was the last one that this node has heard. It shows at the next start
 * whether the database has lost it meanwhile. It is not part of a backup of the database.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogHead } from '../events/event.ts';

export interface HistoryAnchor {
  /** The event that was written last; undefined if there is none of this log. */
  read(logId: string): Promise<LogHead | undefined>;
  /** A file that cannot be written only means that less is known later. */
  write(logId: string, head: LogHead): Promise<void>;
}

export function createHistoryAnchor(dataDir: string): HistoryAnchor {
  const path = join(dataDir, 'last-event.json');
  return {
    async read(logId) {
      try {
        const { log_id, sequence, hash } = JSON.parse(await readFile(path, 'utf8'));
        return log_id === logId && Number.isSafeInteger(sequence) && typeof hash === 'string'
          ? { sequence, hash }
          : undefined;
      } catch {
        return undefined;
      }
    },
    async write(logId, { sequence, hash }) {
      const draft = `${path}.${process.pid}.new`;
      try {
        await writeFile(draft, `${JSON.stringify({ log_id: logId, sequence, hash })}\n`, { mode: 0o600 });
        await rename(draft, path);
      } catch {}
    },
  };
}
