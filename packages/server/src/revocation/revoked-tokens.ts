/** The revoked tokens in memory, for the check of bearer tokens, by `jti`; and the revocation of tokens. */
import type { AccessToken } from '@postern/guard';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Actor } from '../events/actor.ts';
import type { EventLog } from '../events/event-log.ts';
import { deleteExpiredRevocations, insertRevokedToken, loadRevokedTokens } from './revoked-token-store.ts';

export interface RevokedTokens {
  has(jti: string): boolean;
  /** Revokes one token. Resolves when that is on the disk and holds; rejects if the store does not answer. */
  revoke(actor: Actor, token: AccessToken): Promise<void>;
  /** Forgets those that have expired. */
  forgetExpired(nowSeconds: number): Promise<void>;
}

export async function openRevokedTokens(db: Kysely<Database>, events: EventLog): Promise<RevokedTokens> {
  const expiries = new Map((await loadRevokedTokens(db)).map(({ jti, expiresAt }) => [jti, expiresAt]));
  events.follow((event) => {
    if (event.kind === 'token.revoked') {
      expiries.set(event.subject, event.data['exp'] as number);
    }
  });
  return {
    has: (jti) => expiries.has(jti),
    async revoke(actor, { jti, clientId, expiresAt }) {
      await events.change(actor, async (transaction, append) => {
        if (await insertRevokedToken(transaction, { jti, clientId, expiresAt })) {
          await append({ kind: 'token.revoked', subject: jti, data: { clientId, exp: expiresAt } });
        }
      });
    },
    async forgetExpired(nowSeconds) {
      await deleteExpiredRevocations(db, nowSeconds);
      for (const [jti, expiresAt] of expiries) {
        if (expiresAt <= nowSeconds) {
          expiries.delete(jti);
        }
      }
    },
  };
}
