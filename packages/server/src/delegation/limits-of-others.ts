/** Limits of a client that somebody else set: whoever is not root may tighten them, and never loosens them. */
import { fromWireNames, OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import { type Client, type ClientChange, changeClient } from '../clients/client.ts';
import type { Database } from '../db/schema.ts';
import type { PendingEvent } from '../events/event.ts';
import { listEvents } from '../events/event-store.ts';
import type { Delegate } from './delegate.ts';
import { loosenedMembers } from './reach.ts';

/** Changes of one client that are looked at. If none of them set the limit, it counts as set by somebody else. */
const mostChanges = 200;

/**
 * Throws `access_denied` if the change makes a limit wider than somebody else than the delegate set it last, as the audit trail
 * has it. `pending` are the events of the same change, which are the delegate's.
 *
 * Does not check that the client is within the delegate's reach.
 */
export async function requireLimitsOfOthers(
  transaction: Kysely<Database>,
  { client: delegate, rules }: Delegate,
  pending: readonly PendingEvent[],
  before: Client,
  after: Client,
): Promise<void> {
  const loosened = delegate.isRoot ? [] : loosenedMembers(before, after, rules);
  if (loosened.length === 0) {
    return;
  }
  const query = { subject: before.id, kinds: ['client.created', 'client.updated'], after: 0, order: 'desc' } as const;
  const earlier = await listEvents(transaction, { ...query, size: mostChanges });
  const newestFirst = [...pending.filter(({ subject }) => subject === before.id).toReversed(), ...earlier];
  for (const member of loosened) {
    const asSetByOthers = changeClient(before, changeByOthers(newestFirst, member, delegate.id), before.updatedAt);
    if (loosenedMembers(asSetByOthers, after, rules).includes(member)) {
      throw new OAuthError(
        'access_denied',
        `${member}: somebody else set this limit, which you may tighten and not loosen. Root can loosen it.`,
        { reason: 'grant_exceeded' },
      );
    }
  }
}

/**
 * The member as somebody else than `actor` set it last since the client was created: null if nobody else did, and no change
 * if the events do not go back that far.
 */
function changeByOthers(newestFirst: readonly PendingEvent[], member: string, actor: string): ClientChange {
  for (const event of newestFirst) {
    const data: Readonly<Record<string, unknown>> = event.data;
    if (member in data && event.actor !== actor) {
      return fromWireNames({ [member]: data[member] });
    }
    if (event.kind === 'client.created') {
      return fromWireNames({ [member]: null });
    }
  }
  return {};
}
