/**
 * Revokes one token, with all that was exchanged for it. RFC 7009 §2.1.
 *
 * Every revoked token takes memory on every node and in every API until it expires. So a client has at most `mostSingle`
 * of them: one more revokes all tokens that the client has, which is one entry, and covers those before. The cost is that
 * client's own: it must get new tokens. Tokens of root and of people are revoked one by one, however many they are.
 */
import type { AccessToken } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { revokeTokens } from '../clients/client-changes.ts';
import type { FindActor } from '../clients/find-actor.ts';
import { isPersonId } from '../clients/person-id.ts';
import type { Database } from '../db/schema.ts';
import type { Actor } from '../events/actor.ts';
import type { Append, EventLog, Work } from '../events/event-log.ts';
import { listEvents } from '../events/event-store.ts';
import { findLongestTokenTtl } from '../keys/signing-key-store.ts';
import {
  findRevokedTokens,
  hasRevokedTokens,
  insertRevokedToken,
  unknownClient,
} from '../revocation/revoked-token-store.ts';
import type { DescendantCounts, Descendants } from './descendants.ts';
import { descendantsData } from './descendants-view.ts';

/** Revoked tokens of one client that have not expired and that nothing else revokes. */
const mostSingle = 1_000;

export interface RevokeTokenOptions {
  readonly events: EventLog;
  readonly findActor: FindActor;
  /** Sessions have ids as tokens do, which their tokens name. */
  readonly sessions: {
    /** Whether it is the id of a session that has not ended. */
    has(transaction: Kysely<Database>, id: string): Promise<boolean>;
    /** Ends the session, and revokes its tokens. Does nothing if it has ended. */
    end(transaction: Kysely<Database>, append: Append, id: string): Promise<void>;
  };
  readonly descendants: Pick<DescendantCounts, 'count'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What was revoked, with all that was exchanged for it: a token names those behind it, so nothing else need be written. */
export interface Revoked {
  /** Whether all tokens of its client were, since it had revoked so many one by one. */
  readonly isAllOfClient: boolean;
  readonly descendants: Descendants;
}

export interface RevokeToken {
  /** Resolves when the revocation is on the disk and holds; rejects if the store does not answer. */
  byToken(actor: Actor, token: AccessToken): Promise<Revoked>;
  /**
   * The same by the id alone, whether or not there is such a token; that of a session, which its tokens name, ends it. Throws
   * `too_many_requests` if there are `mostSingle` others whose client is not known and that have not expired.
   */
  byJti(actor: Actor, jti: string): Promise<Revoked>;
}

export function createRevokeToken(options: RevokeTokenOptions): RevokeToken {
  const { events, findActor, sessions, descendants, now } = options;

  /** Revokes the token alone, without waiting for other changes. Resolves to undefined if its client has too many of these. */
  const revokeOne = (actor: Actor, { jti, clientId, expiresAt, generation: issuedIn }: AccessToken) => {
    const work: Work<Descendants | undefined, unknown> = async (transaction, append) => {
      const client = await findActor(transaction, clientId);
      const ended = await descendants.count(transaction, { jti });
      // A greater generation covers the revoked tokens of a client. Root and people have none of their own.
      const isCounted = client !== undefined && !client.isRoot && !isPersonId(clientId);
      if (isCounted ? issuedIn < client.generation : await isDeleted(transaction, clientId)) {
        return ended;
      }
      if (isCounted && (await hasRevokedTokens(transaction, { clientId, generation: client.generation }, mostSingle))) {
        return undefined;
      }
      const generation = isCounted ? issuedIn : undefined;
      if (await insertRevokedToken(transaction, { jti, clientId, generation, expiresAt })) {
        await append({
          kind: 'token.revoked',
          subject: jti,
          data: { clientId, exp: expiresAt, ...(isCounted && { gen: generation }), ...descendantsData(ended) },
        });
      }
      return ended;
    };
    return events.change(actor, work, { isUrgent: true });
  };

  const revokeAll = (actor: Actor, { clientId, generation }: AccessToken) =>
    events.change(actor, async (transaction, append) => {
      const client = await findActor(transaction, clientId);
      const ended = await descendants.count(transaction, { clientId });
      if (client !== undefined && generation >= client.generation) {
        const why = { singleRevocations: mostSingle, ...descendantsData(ended) };
        await revokeTokens(transaction, append, client, why);
      }
      return ended;
    });

  /** A session outlives the revocation of a token, and would get tokens again after it. */
  const endSessionOf = (actor: Actor, id: string) =>
    events.change(actor, async (transaction, append) => {
      const ended = await descendants.count(transaction, { jti: id });
      await sessions.end(transaction, append, id);
      return ended;
    });

  return {
    async byToken(actor, token) {
      const ended = await revokeOne(actor, token);
      return ended === undefined
        ? { isAllOfClient: true, descendants: await revokeAll(actor, token) }
        : { isAllOfClient: false, descendants: ended };
    },

    async byJti(actor, jti) {
      /** Resolves to undefined for a session, which ends by a change that others wait for. */
      const work: Work<Descendants | undefined, unknown> = async (transaction, append) => {
        if (await sessions.has(transaction, jti)) {
          return undefined;
        }
        const ended = await descendants.count(transaction, { jti });
        if ((await findRevokedTokens(transaction, [jti])).has(jti)) {
          return ended;
        }
        if (await hasRevokedTokens(transaction, { clientId: unknownClient }, mostSingle)) {
          throw new OAuthError(
            'too_many_requests',
            `There are ${mostSingle} tokens that were revoked by their id alone and may not have expired: revoke this one by ` +
              'the token itself, or all tokens of its client.',
          );
        }
        // No token lives longer.
        const expiresAt = Math.ceil(now() / 1000) + (await findLongestTokenTtl(transaction));
        await insertRevokedToken(transaction, { jti, clientId: unknownClient, generation: undefined, expiresAt });
        const { clientId } = ended;
        await append({
          kind: 'token.revoked',
          subject: jti,
          data: { ...(clientId !== undefined && { clientId }), exp: expiresAt, ...descendantsData(ended) },
        });
        return ended;
      };
      const ended = await events.change(actor, work, { isUrgent: true });
      return { isAllOfClient: false, descendants: ended ?? (await endSessionOf(actor, jti)) };
    },
  };
}

/**
 * Whether a client with this id was deleted, whose tokens are inactive for good. Root may have got the id since, and an
 * earlier root may come back, so that their tokens are not.
 */
async function isDeleted(transaction: Kysely<Database>, subject: string): Promise<boolean> {
  const kinds = ['client.deleted', 'root.changed', 'root.disabled', 'root.replaced'] as const;
  const [last] = await listEvents(transaction, { kinds, subject, after: 0, order: 'desc', size: 1 });
  return last?.kind === 'client.deleted';
}
