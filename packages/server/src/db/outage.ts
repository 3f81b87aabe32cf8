/** Which errors of the database will pass by themselves or by the operator's hand, and are nobody's mistake here. */

/**
 * Primary result codes of SQLite: no permission, busy, locked, out of memory, read-only, input or output failed, full,
 * cannot open, locking protocol.
 */
const outages = new Set([3, 5, 6, 7, 8, 10, 13, 14, 15]);

/** True where the database could not do what it was asked for now, so that it may be asked again later. */
export function isDatabaseOutage(thrown: unknown): boolean {
  const { code, errcode } = thrown as { readonly code?: unknown; readonly errcode?: unknown };
  // Extended codes have the primary one in their low byte.
  return code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number' && outages.has(errcode & 0xff);
}
