/** Whether a token is still active by what a transaction sees: it may have been revoked while the change waited. */
import { heldTokens, invalidTokenError } from '@postern/guard';
import type { RequireActive } from '../events/actor.ts';
import { findPublishedKids } from '../keys/signing-key-store.ts';
import { findRevokedTokens } from '../revocation/revoked-token-store.ts';
import type { FindActor } from './find-actor.ts';
import { findInactiveReason } from './token-status.ts';

export interface RecheckOptions {
  readonly issuer: string;
  readonly findActor: FindActor;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * The check that every change makes of its token: neither it, nor a parent token, nor a key that signed one is revoked, and each client behind it is enabled and
 * still holds all of its scopes, the one that the call needed among them. Does not check when the token expires: it
 * had not when the call was made.
 */
export function createRecheckInTransaction({ issuer, findActor, now }: RecheckOptions): RequireActive {
  return async (transaction, token) => {
    const held = heldTokens(token);
    const clientIds = [...new Set(held.map(({ clientId }) => clientId))];
    const [revoked, kids, found] = await Promise.all([
      findRevokedTokens(
        transaction,
        held.map(({ jti }) => jti),
      ),
      findPublishedKids(
        transaction,
        held.map(({ kid }) => kid),
      ),
      Promise.all(clientIds.map((clientId) => findActor(transaction, clientId))),
    ]);
    const clients = new Map(clientIds.map((clientId, index) => [clientId, found[index]]));
    const reason = await findInactiveReason(token, {
      issuer,
      async findClient(clientId) {
        const client = clients.get(clientId);
        // Root has every scope. Its token stays valid if the same batch has just deleted one that it contains.
        return client?.isRoot ? { ...client, scopes: token.scopes } : client;
      },
      isRevoked: (jti) => revoked.has(jti),
      isKeyPublished: (kid) => kids.has(kid),
      now,
    });
    if (reason !== undefined) {
      throw invalidTokenError(reason);
    }
  };
}
