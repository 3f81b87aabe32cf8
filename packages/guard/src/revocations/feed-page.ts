/** One answer of the revocation feed. docs/revocation-feed.md. */
import type { ClientInactiveReason, ClientStatus } from '../token-status.ts';

/** The state of a token or a client as it is now. */
export type FeedEntry =
  | { readonly type: 'token'; readonly jti: string; readonly expiresAt: number }
  | { readonly type: 'client'; readonly clientId: string; readonly status: ClientStatus | ClientInactiveReason };

export interface FeedPage {
  readonly cursor: string;
  /** The entries start from the beginning: what is known so far is replaced. */
  readonly isSnapshot: boolean;
  /** There is more to ask for at once. */
  readonly hasMore: boolean;
  /** How long ago, in seconds, the node that answered last knew itself current. */
  readonly lagSeconds: number;
  readonly entries: readonly FeedEntry[];
}

/** Throws for anything that cannot be read as a whole: an entry that is passed over might be the one that matters. */
export function readFeedPage(body: unknown): FeedPage {
  const { cursor, snapshot, more, lag_seconds, entries } = (body ?? {}) as Record<string, unknown>;
  if (
    typeof cursor !== 'string' ||
    typeof snapshot !== 'boolean' ||
    typeof more !== 'boolean' ||
    typeof lag_seconds !== 'number' ||
    !(lag_seconds >= 0) ||
    !Array.isArray(entries)
  ) {
    throw new Error('the answer is not one of a revocation feed');
  }
  return { cursor, isSnapshot: snapshot, hasMore: more, lagSeconds: lag_seconds, entries: entries.map(readEntry) };
}

function readEntry(value: unknown): FeedEntry {
  const entry = (value ?? {}) as Record<string, unknown>;
  if (entry['type'] === 'token' && typeof entry['jti'] === 'string' && Number.isFinite(entry['exp'])) {
    return { type: 'token', jti: entry['jti'], expiresAt: entry['exp'] as number };
  }
  if (entry['type'] === 'client' && typeof entry['client_id'] === 'string') {
    return { type: 'client', clientId: entry['client_id'], status: readClientStatus(entry) };
  }
  throw new Error('the feed holds an entry that is not understood');
}

function readClientStatus(entry: Readonly<Record<string, unknown>>): ClientStatus | ClientInactiveReason {
  const { active, gen, gen_exact, scopes, resources, authorization_details_types } = entry;
  if (active === false) {
    return 'client_unknown';
  }
  if (active !== true || !Number.isSafeInteger(gen) || typeof gen_exact !== 'boolean') {
    throw new Error('the feed holds a client that is not understood');
  }
  const names = readNames(scopes);
  return {
    generation: gen as number,
    isGenerationExact: gen_exact,
    scopes: names && new Set(names),
    resources: readNames(resources),
    detailsTypes: readNames(authorization_details_types),
  };
}

function readNames(value: unknown): readonly string[] | undefined {
  if (value !== undefined && !(Array.isArray(value) && value.every((name) => typeof name === 'string'))) {
    throw new Error('the feed holds a list that is not understood');
  }
  return value;
}
