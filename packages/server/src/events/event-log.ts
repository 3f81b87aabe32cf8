/**
 * The one log of changes: who did what to what, when. Every change appends its rows in its own transaction, and
 * whoever keeps something in memory follows the log to learn of it. Nothing else carries that news.
 */
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../db/schema.ts';

export type EventKind =
  | 'client.created'
  | 'client.updated'
  | 'client.revoked'
  | 'client.deleted'
  | 'secret.created'
  | 'secret.deleted'
  | 'token.revoked'
  | 'resource.saved'
  | 'resource.deleted'
  | 'issuer.saved'
  | 'issuer.deleted'
  | 'authorization_details_type.saved'
  | 'authorization_details_type.deleted'
  | 'initial_access_token.created'
  | 'initial_access_token.deleted'
  | 'registration_access_token.rotated'
  | 'registration_access_token.ended'
  | 'key.created'
  | 'key.deleted';

/** What happened. `data` is for the audit trail: never a secret, a digest or a token. */
export interface EventDraft {
  readonly kind: EventKind;
  /** The id of what changed; for a secret or a registration access token, of the client whose it is. */
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export type Append = (event: EventDraft) => Promise<void>;

export interface EventLog {
  /**
   * Runs `work` in a transaction and appends its events in the same. Followers have heard of them when the
   * promise resolves; where `work` throws, nothing is kept and nobody hears.
   */
  change<T>(actor: string, work: (transaction: Transaction<Database>, append: Append) => Promise<T>): Promise<T>;
  /** Calls `listener` for every event from here on, in the order of the log. */
  follow(listener: (event: EventDraft) => void): void;
}

export function createEventLog(db: Kysely<Database>, now: () => number): EventLog {
  const listeners: ((event: EventDraft) => void)[] = [];
  return {
    async change(actor, work) {
      const appended: EventDraft[] = [];
      const result = await db.transaction().execute((transaction) =>
        work(transaction, async (event) => {
          await transaction
            .insertInto('events')
            .values({
              occurred_at: new Date(now()).toISOString(),
              actor,
              kind: event.kind,
              subject: event.subject,
              data: JSON.stringify(event.data),
            })
            .execute();
          appended.push(event);
        }),
      );
      for (const event of appended) {
        for (const listener of listeners) {
          listener(event);
        }
      }
      return result;
    },
    follow: (listener) => void listeners.push(listener),
  };
}
