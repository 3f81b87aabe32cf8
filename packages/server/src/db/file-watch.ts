/**
 * Whether the files that SQLite has open are still the ones at their paths, and may be written. If somebody moved, deleted or replaced
 * one, what is written goes to a file that nobody finds again, and another process at the same path has another database.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { basename } from 'node:path';
import { databaseFileLost } from './outage.ts';

export interface FileWatch {
  /** Returns what is wrong, by a look that is at most `maxAgeMs` old, without the path, which not every caller may know. Undefined: nothing is. */
  findFault(maxAgeMs?: number): string | undefined;
  /** Throws that as an error, which is an outage. */
  require(maxAgeMs?: number): void;
  /** Throws what SQLite throws for a read-only database unless all files may be written now: a file that is open takes no notice of that. */
  requireWritable(): void;
}

/** SQLITE_READONLY. */
const readOnlyCode = 8;

/** The main file, the write-ahead log, and the memory that processes share. */
const suffixes = ['', '-wal', '-shm'] as const;

/** Watches a database that was just opened. */
export function watchDatabaseFiles(path: string): FileWatch {
  const opened = new Map<string, string>();
  let fault: string | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;

  const look = (): string | undefined => {
    for (const suffix of suffixes) {
      const file = path + suffix;
      const before = opened.get(file);
      const now = identify(file);
      if (before === undefined && now.identity !== undefined) {
        opened.set(file, now.identity);
      } else if (before !== now.identity) {
        return now.identity === undefined
          ? `${basename(file)} is ${now.fault} while the server has it open: put it back, or restart the server`
          : `${basename(file)} is another file than the one that the server has open: restart the server`;
      }
    }
    return undefined;
  };
  const watch: FileWatch = {
    findFault(maxAgeMs = 0) {
      if (performance.now() - lookedAt >= maxAgeMs) {
        fault = look();
        lookedAt = performance.now();
      }
      return fault;
    },
    require(maxAgeMs) {
      const found = watch.findFault(maxAgeMs);
      if (found !== undefined) {
        throw Object.assign(new Error(`the database is lost: ${found}`), { code: databaseFileLost });
      }
    },
    requireWritable() {
      for (const suffix of suffixes) {
        const file = path + suffix;
        try {
          accessSync(file, constants.W_OK);
        } catch (cause) {
          const { code } = cause as NodeJS.ErrnoException;
          // One that is gone is found by `require`.
          if (code !== 'ENOENT') {
            throw Object.assign(new Error(`${basename(file)} must not be written (${code})`, { cause }), {
              code: 'ERR_SQLITE_ERROR',
              errcode: readOnlyCode,
            });
          }
        }
      }
    },
  };
  watch.findFault();
  return watch;
}

/** Device and inode, or why there are none. */
function identify(file: string): { readonly identity?: string; readonly fault?: string } {
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    return { identity: `${dev} ${ino}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { fault: code === 'ENOENT' || code === 'ENOTDIR' ? 'gone' : `out of reach (${code})` };
  }
}
