/**
 * How many tokens were issued by exchange below each token, since it was last written to the database, in memory. Bounded: how
 * many tokens are not counted is known. Pure. RFC 8693 §2.1.
 */
import type { ParentToken } from '@postern/guard';

/** Tokens for one client and one resource that were exchanged for a token, directly or indirectly. */
export interface DescendantCount {
  readonly clientId: string;
  /** The audience of these tokens. */
  readonly resource: string;
  tokensIssued: number;
  /** Those that are below no other token of the client that the token behind them was issued to, so that each counts once below that client. */
  tokensBelowClient: number;
  /** When the last of them expires, in seconds since 1970. */
  lastExpiresAt: number;
}

/** A token that others were exchanged for. */
export interface Ancestor {
  /** The client that it was issued to. */
  readonly clientId: string;
  /** By client and resource. */
  readonly counts: Map<string, DescendantCount>;
}

/** Tokens that are not counted below all tokens behind them. */
export interface Uncounted {
  tokensIssued: number;
  /** When the last of them expires, in seconds since 1970. */
  lastExpiresAt: number;
}

export interface PendingDescendants {
  /** By `jti`. */
  readonly ancestors: Map<string, Ancestor>;
  /** How many counts all ancestors have. */
  rows: number;
  readonly uncounted: Uncounted;
}

/** A token that was issued by exchange. */
export interface ExchangedToken {
  readonly clientId: string;
  readonly resource: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** The tokens behind it, the first one first. */
  readonly parents: readonly Pick<ParentToken, 'jti' | 'clientId'>[];
}

export function emptyDescendants(): PendingDescendants {
  return { ancestors: new Map(), rows: 0, uncounted: { tokensIssued: 0, lastExpiresAt: 0 } };
}

export interface RecordLimits {
  /** Counts in memory. */
  readonly mostRows: number;
  /** Tokens behind one token below which it is counted: the first ones. */
  readonly mostParents: number;
}

/** Counts a token below those behind it, as far as the limits allow. */
export function recordExchanged(
  pending: PendingDescendants,
  { clientId, resource, expiresAt, parents }: ExchangedToken,
  { mostRows, mostParents }: RecordLimits,
): void {
  const clients = new Set<string>();
  let isCounted = parents.length <= mostParents;
  for (const parent of parents.slice(0, mostParents)) {
    const count = {
      ...{ clientId, resource },
      tokensIssued: 1,
      tokensBelowClient: clients.has(parent.clientId) ? 0 : 1,
      lastExpiresAt: expiresAt,
    };
    clients.add(parent.clientId);
    isCounted = addCount(pending, parent, count, mostRows) && isCounted;
  }
  if (!isCounted) {
    addUncounted(pending.uncounted, { tokensIssued: 1, lastExpiresAt: expiresAt });
  }
}

/** Adds `unwritten`, which could not be written, to `pending`. */
export function recordDescendantsAgain(
  pending: PendingDescendants,
  unwritten: PendingDescendants,
  mostRows: number,
): void {
  addUncounted(pending.uncounted, unwritten.uncounted);
  for (const [jti, { clientId, counts }] of unwritten.ancestors) {
    for (const count of counts.values()) {
      if (!addCount(pending, { jti, clientId }, count, mostRows)) {
        addUncounted(pending.uncounted, count);
      }
    }
  }
}

/** Removes the counts below some tokens, of which nobody knows whether they are in the database. */
export function forgetCounts({ ancestors, uncounted }: PendingDescendants, some: ReadonlyMap<string, Ancestor>): void {
  for (const [jti, { counts }] of some) {
    ancestors.delete(jti);
    for (const count of counts.values()) {
      addUncounted(uncounted, count);
    }
  }
}

/** Adds a count to those of the same client and resource. */
export function mergeCount(into: Map<string, DescendantCount>, count: DescendantCount): void {
  const key = keyOf(count);
  const known = into.get(key);
  if (known === undefined) {
    into.set(key, { ...count });
    return;
  }
  known.tokensIssued += count.tokensIssued;
  known.tokensBelowClient += count.tokensBelowClient;
  known.lastExpiresAt = Math.max(known.lastExpiresAt, count.lastExpiresAt);
}

/** Returns false if there are too many counts for another one. */
function addCount(
  pending: PendingDescendants,
  { jti, clientId }: Pick<ParentToken, 'jti' | 'clientId'>,
  count: DescendantCount,
  mostRows: number,
): boolean {
  const counts = pending.ancestors.get(jti)?.counts;
  const isNew = counts?.has(keyOf(count)) !== true;
  if (isNew && pending.rows >= mostRows) {
    return false;
  }
  pending.rows += isNew ? 1 : 0;
  if (counts !== undefined) {
    mergeCount(counts, count);
  } else {
    pending.ancestors.set(jti, { clientId, counts: new Map([[keyOf(count), count]]) });
  }
  return true;
}

function addUncounted(to: Uncounted, { tokensIssued, lastExpiresAt }: Uncounted): void {
  to.tokensIssued += tokensIssued;
  to.lastExpiresAt = Math.max(to.lastExpiresAt, lastExpiresAt);
}

/** Neither a client id nor an identifier of a resource has a space. */
function keyOf({ clientId, resource }: DescendantCount): string {
  return `${clientId} ${resource}`;
}
