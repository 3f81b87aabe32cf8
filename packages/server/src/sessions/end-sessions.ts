/** Ends sessions as part of a change: the tokens of each are revoked with it, on every node. */
import type { Kysely } from 'kysely';
import type { Client } from '../clients/client.ts';
import type { FindActor } from '../clients/find-actor.ts';
import type { Database } from '../db/schema.ts';
import type { RevokeTokenOptions } from '../descendants/revoke-token.ts';
import type { Append } from '../events/event-log.ts';
import { insertRevokedToken } from '../revocation/revoked-token-store.ts';
import { type Session, sessionTokenSeconds } from './session.ts';
import { deleteSession, deleteSessionCodesOf, findSession, listSessionsOf } from './session-store.ts';

/**
 * Ends one session, and does nothing if it has ended. `client`: who is signed in, undefined if they are gone. `now` is in
 * milliseconds since 1970.
 */
export async function endSession(
  transaction: Kysely<Database>,
  append: Append,
  { id, clientId, generation: present }: Session,
  client: Client | undefined,
  now: number,
): Promise<void> {
  if (!(await deleteSession(transaction, id))) {
    return;
  }
  // As for other tokens: nothing revokes all tokens of root for good, and a client that is gone has no generation.
  const generation = client === undefined || client.isRoot ? undefined : present;
  const expiresAt = Math.ceil(now / 1000) + sessionTokenSeconds;
  await insertRevokedToken(transaction, { jti: id, clientId, generation, expiresAt });
  await append({
    kind: 'session.ended',
    subject: id,
    data: { clientId, exp: expiresAt, ...(generation !== undefined && { gen: generation }) },
  });
}

/** Ends all sessions of a client or person, and the codes that would begin others. */
export async function endSessionsOf(
  transaction: Kysely<Database>,
  append: Append,
  clientId: string,
  client: Client | undefined,
  now: number,
): Promise<void> {
  await deleteSessionCodesOf(transaction, clientId);
  for (const session of await listSessionsOf(transaction, clientId)) {
    await endSession(transaction, append, session, client, now);
  }
}

/** The sessions, by the ids that their tokens name. `now` is in milliseconds since 1970. */
export function sessionsById(findActor: FindActor, now: () => number): RevokeTokenOptions['sessions'] {
  return {
    has: async (transaction, id) => (await findSession(transaction, { id })) !== undefined,
    async end(transaction, append, id) {
      const session = await findSession(transaction, { id });
      if (session !== undefined) {
        await endSession(transaction, append, session, await findActor(transaction, session.clientId), now());
      }
    },
  };
}
