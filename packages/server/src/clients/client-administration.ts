/** Making, changing and deleting clients: rules, store and events brought together, each change in one transaction. */
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { EventLog } from '../events/event-log.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { coverTokenLifetime } from '../keys/signing-key-store.ts';
import type { ResourceRegistry } from '../resources/resource-registry.ts';
import { requireKnown } from '../scopes/scope-registry.ts';
import { type Client, type ClientChange, changeClient, newClient } from './client.ts';
import { checkMetadata, usesSecret } from './client-metadata.ts';
import { deleteClient, findClient, insertClient, insertSecret, updateClient } from './client-store.ts';
import { generateClientId, generateClientSecret } from './credentials.ts';
import { assignableScopes, type GrantingRules, requireAssignable } from './granting.ts';

/** Who makes a change: a client, with what its token allows. */
export interface Actor {
  readonly client: Client;
  readonly tokenScopes: ReadonlySet<string>;
}

export interface CreatedClient {
  readonly clientId: string;
  /** Shown this once; only its digest is kept. Undefined for a client that authenticates without one. */
  readonly clientSecret: string | undefined;
}

export interface ClientAdministration {
  /** Throws `invalid_parameter` for an unknown scope, `access_denied` for one that the actor may not assign. */
  create(actor: Actor, change: ClientChange): Promise<CreatedClient>;
  /** The client after the change. Throws as `create` does, and `not_found`. */
  change(actor: Actor, clientId: string, change: ClientChange): Promise<Client>;
  /** Ends all tokens of the client that were issued so far. Throws as `remove` does. */
  revokeTokens(actor: Actor, clientId: string): Promise<void>;
  /** Throws `not_found`, and `access_denied` unless the actor may assign all that the client holds. */
  remove(actor: Actor, clientId: string): Promise<void>;
}

export interface ClientAdministrationOptions {
  readonly db: Kysely<Database>;
  readonly events: EventLog;
  readonly masterKey: MasterKey;
  readonly granting: GrantingRules;
  readonly resources: ResourceRegistry;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createClientAdministration(options: ClientAdministrationOptions): ClientAdministration {
  const { events, masterKey, granting, resources, now } = options;
  const timestamp = () => new Date(now()).toISOString();
  const assignableBy = (actor: Actor) => assignableScopes(actor.client, actor.tokenScopes, granting);
  const known = (change: ClientChange): ClientChange => ({
    ...change,
    ...(change.scopes && { scopes: requireKnown(change.scopes, granting.registry) }),
    ...(change.grantable_scopes && { grantable_scopes: requireKnown(change.grantable_scopes, granting.registry) }),
  });

  const coverLifetime = (transaction: Kysely<Database>, { accessTokenTtlSeconds }: Client) =>
    coverTokenLifetime(transaction, accessTokenTtlSeconds ?? 0, now());

  return {
    async create(actor, wanted) {
      const change = known(wanted);
      const createdAt = timestamp();
      const client = changeClient(newClient(generateClientId(), createdAt), change, createdAt);
      checkMetadata(client.metadata);
      requireRegistered(change, resources);
      requireAssignable(client, assignableBy(actor), granting);
      const clientSecret = usesSecret(client.metadata) ? generateClientSecret() : undefined;
      await events.change(actor.client.id, async (transaction, append) => {
        await insertClient(transaction, client);
        await coverLifetime(transaction, client);
        await append({ kind: 'client.created', subject: client.id, data: { ...change } });
        if (clientSecret !== undefined) {
          const secret = { id: generateClientId(), lastFour: clientSecret.slice(-4), createdAt };
          await insertSecret(transaction, client.id, {
            ...secret,
            digest: masterKey.digest('client secrets', clientSecret),
          });
          await append({ kind: 'secret.created', subject: client.id, data: { secret_id: secret.id } });
        }
      });
      return { clientId: client.id, clientSecret };
    },

    change(actor, clientId, wanted) {
      const change = known(wanted);
      return events.change(actor.client.id, async (transaction, append) => {
        const before = await getClient(transaction, clientId);
        const after = changeClient(before, change, timestamp());
        checkMetadata(after.metadata);
        requireRegistered(change, resources);
        requireAssignable(before, assignableBy(actor), granting);
        requireAssignable(after, assignableBy(actor), granting);
        await updateClient(transaction, after);
        await coverLifetime(transaction, after);
        await append({ kind: 'client.updated', subject: clientId, data: { ...change } });
        return after;
      });
    },

    revokeTokens(actor, clientId) {
      return events.change(actor.client.id, async (transaction, append) => {
        const client = await getClient(transaction, clientId);
        requireAssignable(client, assignableBy(actor), granting);
        const generation = client.generation + 1;
        await updateClient(transaction, { ...client, generation });
        await append({ kind: 'client.revoked', subject: clientId, data: { generation } });
      });
    },

    remove(actor, clientId) {
      return events.change(actor.client.id, async (transaction, append) => {
        requireAssignable(await getClient(transaction, clientId), assignableBy(actor), granting);
        await deleteClient(transaction, clientId);
        await append({ kind: 'client.deleted', subject: clientId, data: {} });
      });
    },
  };
}

/** Throws `invalid_parameter` where the change names a resource that is not registered. */
function requireRegistered(change: ClientChange, resources: ResourceRegistry): void {
  const unknown = change.resources?.find((identifier) => resources.findByIdentifier(identifier) === undefined);
  if (unknown !== undefined) {
    throw new OAuthError('invalid_parameter', `resources: there is no resource ${unknown}.`);
  }
}

/** Throws `not_found`. The root client is not in the database, so it is not found either. */
export async function getClient(db: Kysely<Database>, clientId: string): Promise<Client> {
  const client = await findClient(db, clientId);
  if (client === undefined) {
    throw new OAuthError('not_found', `There is no client ${clientId}.`);
  }
  return client;
}
