/**
 * Revokes one token. RFC 7009 §2.1.
 *
 * Every revoked token takes memory on every node and in every API until it expires. So a client has at most `mostSingle`
 * of them: one more revokes all tokens that the client has, which is one entry, and covers those before. The cost is that
 * client's own: it must get new tokens. Tokens of root and of people are revoked one by one, however many they are.
 */
import type { AccessToken } from '@postern/guard';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Actor } from '../events/actor.ts';
import type { EventLog, Work } from '../events/event-log.ts';
import { listEvents } from '../events/event-store.ts';
import { hasRevokedTokens, insertRevokedToken } from '../revocation/revoked-token-store.ts';
import { revokeTokens } from './client-changes.ts';
import type { FindActor } from './find-actor.ts';
import { isPersonId } from './person-id.ts';

/** Revoked tokens of one client that have not expired and that nothing else revokes. */
const mostSingle = 1_000;

export interface RevokeTokenOptions {
  readonly events: EventLog;
  readonly findActor: FindActor;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Resolves when the revocation is on the disk and holds; rejects if the store does not answer. */
export type RevokeToken = (actor: Actor, token: AccessToken) => Promise<void>;

export function createRevokeToken({ events, findActor, now }: RevokeTokenOptions): RevokeToken {
  /** Revokes the token alone, without waiting for other changes. Resolves to false if its client has too many of these. */
  const revokeOne = (actor: Actor, { jti, clientId, expiresAt, generation: issuedIn }: AccessToken) => {
    const work: Work<boolean, unknown> = async (transaction, append) => {
      const client = await findActor(transaction, clientId);
      // A greater generation covers the revoked tokens of a client. Root and people have none of their own.
      const isCounted = client !== undefined && !client.isRoot && !isPersonId(clientId);
      if (isCounted ? issuedIn < client.generation : await isDeleted(transaction, clientId)) {
        return true;
      }
      if (isCounted && (await hasRevokedTokens(transaction, { clientId, generation: client.generation }, mostSingle))) {
        return false;
      }
      const generation = isCounted ? issuedIn : undefined;
      if (await insertRevokedToken(transaction, { jti, clientId, generation, expiresAt })) {
        await append({
          kind: 'token.revoked',
          subject: jti,
          data: { clientId, exp: expiresAt, ...(isCounted && { gen: generation }) },
        });
      }
      return true;
    };
    return events.change(actor, work, { isUrgent: true });
  };

  const revokeAll = (actor: Actor, { clientId, generation }: AccessToken) =>
    events.change(actor, async (transaction, append) => {
      const client = await findActor(transaction, clientId);
      if (client !== undefined && generation >= client.generation) {
        await revokeTokens(transaction, append, client, now(), { singleRevocations: mostSingle });
      }
    });

  return async (actor, token) => {
    if (!(await revokeOne(actor, token))) {
      await revokeAll(actor, token);
    }
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
