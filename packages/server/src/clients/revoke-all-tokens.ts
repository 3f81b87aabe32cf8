/**
 * Revokes every token that was issued so far, of all clients and of root, by one event: no later token has a generation below
 * the floor that it sets. RFC 7009 §2.1 knows single tokens only.
 *
 * The floor is at least the present time, so that it is also above the generations of a history that the database has lost: after a
 * restored backup nobody knows which tokens were issued in it. The revoked tokens that it covers are deleted later, in slices.
 */
import type { RootConfig } from '../config/config.ts';
import type { Actor } from '../events/actor.ts';
import type { EventLog } from '../events/event-log.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { findGenerationFloor } from '../revocation/generation-floor-store.ts';
import { nextGeneration } from './client.ts';
import { findHighestGeneration } from './client-store.ts';
import { appendRootStatus } from './root-status.ts';

export interface RevokeAllTokensOptions {
  readonly events: EventLog;
  readonly root: RootConfig;
  readonly masterKey: MasterKey;
}

/** Resolves when the revocation is on the disk and holds on this node. Not even the token of the actor remains valid. */
export type RevokeAllTokens = (actor: Actor) => Promise<void>;

export function createRevokeAllTokens({ events, root, masterKey }: RevokeAllTokensOptions): RevokeAllTokens {
  return (actor) =>
    events.change(actor, async (transaction, append) => {
      // A clock that was ahead may have given a generation that is above the present time.
      const highest = Math.max(await findGenerationFloor(transaction), await findHighestGeneration(transaction));
      const floor = nextGeneration(highest, append.leastGeneration());
      await append({ kind: 'all_tokens.revoked', subject: 'all_tokens', data: { generation: floor } });
      await appendRootStatus(transaction, append, root, masterKey, floor);
    });
}
