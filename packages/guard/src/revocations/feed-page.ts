/** Parses one answer of the revocation feed. docs/revocation-feed.md. */
import type { ClientInactiveReason, ClientStatus } from '../token-status.ts';

/** The present status of a token, a client or all tokens, or a signing key that was revoked. */
export type FeedEntry =
  | {
      readonly type: 'token';
      readonly jti: string;
      readonly expiresAt: number;
      /** Its client and generation. Undefined if the end of its client says nothing about it for good. */
      readonly clientId: string | undefined;
      readonly generation: number | undefined;
    }
  | { readonly type: 'signing_key'; readonly kid: string }
  /** Every token with a smaller generation, of whatever client, is revoked. */
  | { readonly type: 'all_tokens'; readonly generation: number }
  | { readonly type: 'client'; readonly clientId: string; readonly status: ClientStatus | ClientInactiveReason };

export interface FeedPage {
  readonly cursor: string;
  /** Whether the entries begin a snapshot, which replaces everything known so far. */
  readonly isSnapshot: boolean;
  /** Whether the issuer no longer has the history that was followed, as it says itself. */
  readonly isHistoryChanged: boolean;
  /** Whether another page follows at once. */
  readonly hasMore: boolean;
  /** Seconds since the node that answered was last up to date. */
  readonly lagSeconds: number;
  readonly entries: readonly FeedEntry[];
}

/** Throws if any part is malformed: a skipped entry might be the one that matters. */
export function parseFeedPage(body: unknown): FeedPage {
  const { cursor, snapshot, history_changed, more, lag_seconds, entries } = (body ?? {}) as Record<string, unknown>;
  if (
    typeof cursor !== 'string' ||
    typeof snapshot !== 'boolean' ||
    typeof more !== 'boolean' ||
    typeof lag_seconds !== 'number' ||
    !(lag_seconds >= 0) ||
    !Array.isArray(entries)
  ) {
    throw new Error('the answer is not a page of a revocation feed');
  }
  return {
    cursor,
    isSnapshot: snapshot,
    isHistoryChanged: history_changed === true,
    hasMore: more,
    lagSeconds: lag_seconds,
    entries: entries.map(parseEntry),
  };
}

function parseEntry(value: unknown): FeedEntry {
  const entry = (value ?? {}) as Record<string, unknown>;
  if (entry['type'] === 'token' && typeof entry['jti'] === 'string' && Number.isFinite(entry['exp'])) {
    return { type: 'token', jti: entry['jti'], expiresAt: entry['exp'] as number, ...parseTokenClient(entry) };
  }
  if (entry['type'] === 'signing_key' && typeof entry['kid'] === 'string') {
    return { type: 'signing_key', kid: entry['kid'] };
  }
  if (entry['type'] === 'all_tokens' && Number.isSafeInteger(entry['gen'])) {
    return { type: 'all_tokens', generation: entry['gen'] as number };
  }
  if (entry['type'] === 'client' && typeof entry['client_id'] === 'string') {
    return { type: 'client', clientId: entry['client_id'], status: parseClientStatus(entry) };
  }
  throw new Error('the feed has a malformed entry');
}

function parseTokenClient({ client_id, gen }: Readonly<Record<string, unknown>>) {
  if (client_id === undefined && gen === undefined) {
    return { clientId: undefined, generation: undefined };
  }
  if (typeof client_id !== 'string' || !Number.isSafeInteger(gen)) {
    throw new Error('the feed has a malformed token');
  }
  return { clientId: client_id, generation: gen as number };
}

function parseClientStatus(entry: Readonly<Record<string, unknown>>): ClientStatus | ClientInactiveReason {
  const { active, gen, gen_exact, scopes, resources, authorization_details_types } = entry;
  if (active === false) {
    return 'client_unknown';
  }
  if (active !== true || !Number.isSafeInteger(gen) || typeof gen_exact !== 'boolean') {
    throw new Error('the feed has a malformed client');
  }
  const names = parseNames(scopes);
  return {
    generation: gen as number,
    isGenerationExact: gen_exact,
    scopes: names && new Set(names),
    resources: parseNames(resources),
    detailsTypes: parseNames(authorization_details_types),
  };
}

function parseNames(value: unknown): readonly string[] | undefined {
  if (value !== undefined && !(Array.isArray(value) && value.every((name) => typeof name === 'string'))) {
    throw new Error('the feed has a malformed list');
  }
  return value;
}

/** Returns an entry as the feed writes it. */
export function formatEntry(entry: FeedEntry): object {
  switch (entry.type) {
    case 'token':
      return {
        type: 'token',
        jti: entry.jti,
        exp: entry.expiresAt,
        ...(entry.clientId !== undefined && { client_id: entry.clientId, gen: entry.generation }),
      };
    case 'signing_key':
      return entry;
    case 'all_tokens':
      return { type: 'all_tokens', gen: entry.generation };
    case 'client':
      return { type: 'client', client_id: entry.clientId, ...formatClientStatus(entry.status) };
  }
}

function formatClientStatus(status: ClientStatus | ClientInactiveReason): object {
  if (typeof status === 'string') {
    return { active: false };
  }
  const { generation, isGenerationExact, scopes, resources, detailsTypes } = status;
  return {
    active: true,
    gen: generation,
    gen_exact: isGenerationExact,
    ...(scopes !== undefined && { scopes: [...scopes] }),
    ...(resources !== undefined && { resources }),
    ...(detailsTypes !== undefined && { authorization_details_types: detailsTypes }),
  };
}
