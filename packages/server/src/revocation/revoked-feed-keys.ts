/** The keys of the revocation feed that have leaked and were revoked, as the log says. docs/rotate.md. RFC 7517 §4.2. */
import type { AccessToken } from '@postern/guard';
import { feedKeyUse } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import { listEvents } from '../events/event-store.ts';
import { isOfFeedKey } from './feed-entry.ts';

export interface RevokedFeedKeys {
  has(kid: string): boolean;
  /** Revokes a key that is published. Another one signs at once, and guards that follow the feed refuse it from then on. */
  revoke(token: AccessToken, kid: string): Promise<void>;
}

/** Events that are read at once. */
const eventsPerRead = 1_000;

export async function openRevokedFeedKeys(db: Kysely<Database>, events: EventLog): Promise<RevokedFeedKeys> {
  const load = async (): Promise<Set<string>> => {
    const kids = new Set<string>();
    let after: number | undefined = 0;
    while (after !== undefined) {
      const read = await listEvents(db, { kinds: ['key.revoked'], after, order: 'asc', size: eventsPerRead });
      for (const event of read.filter(isOfFeedKey)) {
        kids.add(event.subject);
      }
      after = read.length < eventsPerRead ? undefined : read.at(-1)?.sequence;
    }
    return kids;
  };
  let revoked = await load();
  events.follow(
    (event) => {
      if (isOfFeedKey(event)) {
        revoked.add(event.subject);
      }
    },
    async () => {
      revoked = await load();
    },
  );
  return {
    has: (kid) => revoked.has(kid),
    revoke: (token, kid) =>
      events.change(token, async (_transaction, append) => {
        await append({ kind: 'key.revoked', subject: kid, data: { use: feedKeyUse } });
      }),
  };
}
