/** Making, changing and deleting clients: rules, store and events brought together, each change in one transaction. */
import { type AccessToken, refuseToken } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { requireKnown } from '../scopes/scope-registry.ts';
import { type Client, type ClientChange, changeClient, newClient } from './client.ts';
import { deleteClient, findClient, insertClient, updateClient } from './client-store.ts';
import { generateClientId, generateClientSecret } from './credentials.ts';
import { assignableScopes, type GrantingRules, requireAssignable } from './granting.ts';
import { findStandingFault } from './standing.ts';

export interface CreatedClient {
  readonly clientId: string;
  /** Shown this once; only its digest is kept. */
  readonly clientSecret: string;
}

/**
 * Each call is made with a verified access token. Whether that still stands is looked at again inside the
 * transaction: its ground may have gone while the request was read or waited for the database, and a client that was
 * just stopped must not leave another one behind. Throws `invalid_token` then.
 */
export interface ClientAdministration {
  /** Throws `invalid_parameter` for an unknown scope, `access_denied` for one that the token may not assign. */
  create(token: AccessToken, change: ClientChange): Promise<CreatedClient>;
  /** The client after the change. Throws as `create` does, and `not_found`. */
  change(token: AccessToken, clientId: string, change: ClientChange): Promise<Client>;
  /** Throws `not_found`, and `access_denied` unless the token may assign all that the client holds. */
  remove(token: AccessToken, clientId: string): Promise<void>;
}

export interface ClientAdministrationOptions {
  readonly root: Client;
  readonly events: EventLog;
  readonly masterKey: MasterKey;
  readonly granting: GrantingRules;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createClientAdministration(options: ClientAdministrationOptions): ClientAdministration {
  const { root, events, masterKey, granting, now } = options;
  const timestamp = () => new Date(now()).toISOString();
  const assignableBy = async (transaction: Kysely<Database>, token: AccessToken) => {
    const granter = token.clientId === root.id ? root : await findClient(transaction, token.clientId);
    const fault = findStandingFault(token, granter);
    if (granter === undefined || fault !== undefined) {
      throw refuseToken(fault ?? 'client_unknown');
    }
    return assignableScopes(granter, token.scopes, granting);
  };
  const known = (change: ClientChange): ClientChange => ({
    ...change,
    ...(change.scopes && { scopes: requireKnown(change.scopes, granting.registry) }),
    ...(change.grantable_scopes && { grantable_scopes: requireKnown(change.grantable_scopes, granting.registry) }),
  });

  return {
    async create(token, wanted) {
      const change = known(wanted);
      const clientSecret = generateClientSecret();
      const digest = masterKey.digestSecret(clientSecret);
      const createdAt = timestamp();
      const client = changeClient(newClient(generateClientId(), digest, createdAt), change, createdAt);
      const secret = { id: generateClientId(), digest, lastFour: clientSecret.slice(-4) };
      await events.change(token.clientId, async (transaction, append) => {
        requireAssignable(client, await assignableBy(transaction, token), granting);
        await insertClient(transaction, client, secret);
        await append({ kind: 'client.created', subject: client.id, data: { ...change } });
        await append({ kind: 'secret.created', subject: client.id, data: { secret_id: secret.id } });
      });
      return { clientId: client.id, clientSecret };
    },

    change(token, clientId, wanted) {
      const change = known(wanted);
      return events.change(token.clientId, async (transaction, append) => {
        const assignable = await assignableBy(transaction, token);
        const before = await getClient(transaction, clientId);
        const after = changeClient(before, change, timestamp());
        requireAssignable(before, assignable, granting);
        requireAssignable(after, assignable, granting);
        await updateClient(transaction, after);
        await append({ kind: 'client.updated', subject: clientId, data: { ...change } });
        return after;
      });
    },

    remove(token, clientId) {
      return events.change(token.clientId, async (transaction, append) => {
        const assignable = await assignableBy(transaction, token);
        requireAssignable(await getClient(transaction, clientId), assignable, granting);
        await deleteClient(transaction, clientId);
        await append({ kind: 'client.deleted', subject: clientId, data: {} });
      });
    },
  };
}

/** Throws `not_found`. The root client is not in the database, so it is not found either. */
export async function getClient(db: Kysely<Database>, clientId: string): Promise<Client> {
  const client = await findClient(db, clientId);
  if (client === undefined) {
    throw new OAuthError('not_found', `There is no client with the id '${clientId}'.`);
  }
  return client;
}
