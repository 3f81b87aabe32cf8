/** Which errors of the database will pass by themselves or by the operator's hand, and are nobody's mistake here. */

/**
 * Primary result codes of SQLite: no permission, busy, locked, out of memory, read-only, input or output failed, full,
 * cannot open, locking protocol.
 */
const sqliteOutages = new Set([3, 5, 6, 7, 8, 10, 13, 14, 15]);

/**
 * SQLSTATE of PostgreSQL, by class or in full: connection lost, rolled back for the sake of another, resources used up,
 * ended by the operator or a time-out, trouble of the system; read-only, as a standby is; a lock that did not come.
 */
const postgresOutages = /^(?:08|40|53|57|58)...$|^25006$|^55P03$/;

/** What sockets say. */
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

/** What `pg` says without a code, where it has no connection or gave one up. */
const withoutConnection =
  /^(?:Query read timeout|Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed)/;

/** True where the database could not do what it was asked for now, so that it may be asked again later. */
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
    return postgresOutages.test(code) || networkOutages.has(code);
  }
  return typeof message === 'string' && withoutConnection.test(message);
}
