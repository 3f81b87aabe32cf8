/** Which database errors are outages: temporary, or for the operator to resolve, and not a mistake of the request. */

/**
 * Primary result codes of SQLite: no permission, busy, locked, out of memory, read-only, I/O error, full, cannot open,
 * locking protocol.
 */
const sqliteOutages = new Set([3, 5, 6, 7, 8, 10, 13, 14, 15]);

/**
 * SQLSTATE of PostgreSQL. Classes: connection exception, transaction rollback (as for a deadlock), insufficient
 * resources, operator intervention, system error. Single codes: read-only, as on a standby; lock not available.
 */
const postgresOutages = /^(?:08|40|53|57|58)...$|^25006$|^55P03$/;

/** Error codes of sockets. */
const networkOutages = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
]);

/** Messages of `pg` errors that have no code: it could not connect, or closed the connection. */
const withoutConnection =
  /^(?:Query read timeout|Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed)/;

/** The code of the error about a database file that was moved, deleted or replaced. */
export const databaseFileLost = 'ERR_DATABASE_FILE_LOST';

/** True if the database could not execute a statement now, but may later. */
export function isDatabaseOutage(thrown: unknown): boolean {
  const { code, errcode, message } = thrown as {
    readonly code?: unknown;
    readonly errcode?: unknown;
    readonly message?: unknown;
  };
  if (code === 'ERR_SQLITE_ERROR') {
    // Extended codes have the primary one in their low byte.
    return typeof errcode === 'number' && sqliteOutages.has(errcode & 0xff);
  }
  if (typeof code === 'string') {
    return code === databaseFileLost || postgresOutages.test(code) || networkOutages.has(code);
  }
  return typeof message === 'string' && withoutConnection.test(message);
}

/** Whether PostgreSQL was given a text with a NUL character, which none of its texts can have: SQLSTATE 22021. */
export function isUnstorableText(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '22021';
}
