/** When clients got their last token, as the database has it: every client has a row from its creation, so that an index sorts all. */

/** Comes before every time. */
export const neverIssued = '';

/** Returns null if there was never a token. */
export function readLastIssue(stored: string | null): string | null {
  return stored === neverIssued ? null : stored;
}
