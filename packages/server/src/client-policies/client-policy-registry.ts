/** The client policies in memory, and their changes. */
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import { type FollowedThings, openFollowedThings } from '../events/followed-things.ts';
import { type ClientPolicy, requireConsistency } from './client-policy.ts';
import { clientPolicies } from './client-policy-store.ts';

/** The most policies: each is looked at when a client is read. */
const mostPolicies = 100;

/** A policy that contradicts another one is a `conflict`. */
export type ClientPolicyRegistry = FollowedThings<ClientPolicy>;

export function openClientPolicyRegistry(db: Kysely<Database>, events: EventLog): Promise<ClientPolicyRegistry> {
  return openFollowedThings({
    db,
    events,
    store: clientPolicies,
    kind: 'client_policy',
    idMember: 'name',
    nouns: ['client policy', 'client policies'],
    most: mostPolicies,
    async requireAllowed(transaction, _token, _before, after) {
      if (after !== undefined) {
        requireConsistency(after, await clientPolicies.load(transaction));
      }
    },
  });
}
