/** The revoked tokens in memory, for the check of bearer tokens, by `jti`. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import { findLeastTime } from '../events/event-store.ts';
import { feedEntryOf, neededSince } from './feed-entry.ts';
import { RevokedTokenIndex } from './revoked-token-index.ts';
import { deleteExpiredRevocations, loadRevokedTokens } from './revoked-token-store.ts';

export interface RevokedTokens {
  /** Does not say whether a token is inactive because of its client. */
  has(jti: string): boolean;
  /** Forgets those that expired before `seconds` since 1970. */
  forgetExpired(seconds: number): Promise<void>;
}

/** `now` is in milliseconds since 1970. */
export async function openRevokedTokens(
  db: Kysely<Database>,
  events: EventLog,
  now: () => number,
): Promise<RevokedTokens> {
  const load = async () => {
    const loaded = new RevokedTokenIndex();
    for await (const token of loadRevokedTokens(db, neededSince(await findLeastTime(db, now())))) {
      loaded.add(token);
    }
    return loaded;
  };
  let index = await load();
  const reload = async () => {
    index = await load();
  };
  events.follow((event) => {
    const entry = feedEntryOf(event);
    if (entry?.type === 'token') {
      index.add(entry);
    } else if (entry?.type === 'client' || entry?.type === 'all_tokens') {
      index.removeCovered(entry);
    }
  }, reload);
  return {
    has: (jti) => index.has(jti),
    async forgetExpired(seconds) {
      await deleteExpiredRevocations(db, seconds);
      index.removeExpired(seconds);
    },
  };
}
