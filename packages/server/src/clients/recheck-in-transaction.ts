/** Whether a token still stands by what a transaction sees: its ground may have gone while that waited for its turn. */
import type { AccessToken } from '@postern/guard';
import type { ErrorReason } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { RevokedTokens } from '../revocation/revoked-tokens.ts';
import type { Client } from './client.ts';
import { findClient } from './client-store.ts';
import { findInactiveReason } from './token-status.ts';

/** Why a verified token is no longer good, or undefined where it is. */
export type RecheckInTransaction = (
  transaction: Kysely<Database>,
  token: AccessToken,
) => Promise<ErrorReason | undefined>;

export interface RecheckOptions {
  readonly issuer: string;
  readonly root: Client;
  readonly revokedTokens: RevokedTokens;
}

export function createRecheckInTransaction({ issuer, root, revokedTokens }: RecheckOptions): RecheckInTransaction {
  return (transaction, token) =>
    findInactiveReason(token, {
      issuer,
      findClient: async (id) => (id === root.id ? root : findClient(transaction, id)),
      isRevoked: revokedTokens.has,
    });
}
