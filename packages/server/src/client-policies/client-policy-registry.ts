/** The client policies in memory, and their changes. */
import { isDeepStrictEqual } from 'node:util';
import type { AccessToken } from '@postern/guard';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import { type ClientPolicy, requireConsistency } from './client-policy.ts';
import { deleteClientPolicy, loadClientPolicies, saveClientPolicy } from './client-policy-store.ts';

/** The most policies: each is looked at when a client is read. */
const mostPolicies = 100;

export interface ClientPolicyRegistry {
  /** All, by name. */
  list(): readonly ClientPolicy[];
  /** Throws `not_found`. */
  get(name: string): ClientPolicy;
  /** Creates it, or changes the one with that name. Throws `conflict` if there are too many, or it contradicts another. */
  save(token: AccessToken, policy: ClientPolicy): Promise<void>;
  /** Throws `not_found`. */
  remove(token: AccessToken, name: string): Promise<void>;
}

export async function openClientPolicyRegistry(db: Kysely<Database>, events: EventLog): Promise<ClientPolicyRegistry> {
  let policies: readonly ClientPolicy[] = await loadClientPolicies(db);
  const reload = async () => {
    policies = await loadClientPolicies(db);
  };
  events.follow(async ({ kind }) => {
    if (kind.startsWith('client_policy.')) {
      await reload();
    }
  }, reload);
  const unknown = (name: string) => new OAuthError('not_found', `There is no client policy ${showName(name)}.`);
  return {
    list: () => policies,
    get(name) {
      const found = policies.find((policy) => policy.name === name);
      if (found === undefined) {
        throw unknown(name);
      }
      return found;
    },
    async save(token, policy) {
      await events.change(token, async (transaction, append) => {
        const present = await loadClientPolicies(transaction);
        const before = present.find(({ name }) => name === policy.name);
        const { name, ...members } = policy;
        const event = { kind: 'client_policy.saved', subject: name, data: members } as const;
        if (isDeepStrictEqual(before, policy)) {
          await append.unchanged(event);
          return;
        }
        if (present.length >= mostPolicies && before === undefined) {
          throw new OAuthError('conflict', `There are ${mostPolicies} client policies already: delete one first.`);
        }
        requireConsistency(policy, present);
        await saveClientPolicy(transaction, policy);
        await append(event);
      });
    },
    async remove(token, name) {
      await events.change(token, async (transaction, append) => {
        if (!(await deleteClientPolicy(transaction, name))) {
          throw unknown(name);
        }
        await append({ kind: 'client_policy.deleted', subject: name, data: {} });
      });
    },
  };
}
