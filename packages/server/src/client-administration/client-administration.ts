/** Making, changing and deleting clients: rules, store and events brought together, each change in one transaction. */
import type { AccessToken } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { AuthorizationDetailsTypeRegistry } from '../authorization-details/authorization-details-type-registry.ts';
import { type Client, type ClientChange, changeClient, newClient } from '../clients/client.ts';
import { endTokens, recordChange, recordCreation, recordDeletion } from '../clients/client-changes.ts';
import { checkMetadata, usesSecret } from '../clients/client-metadata.ts';
import { newSecret } from '../clients/client-secret.ts';
import { insertSecret } from '../clients/client-secret-store.ts';
import { findClient } from '../clients/client-store.ts';
import { generateClientId, generateClientSecret } from '../clients/credentials.ts';
import type { Database } from '../db/schema.ts';
import type { ActorScopes } from '../delegation/actor-scopes.ts';
import { type DelegationRules, requireAssignable } from '../delegation/delegation.ts';
import type { EventLog } from '../events/event-log.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { coverTokenLifetime } from '../keys/signing-key-store.ts';
import { deleteRegistration } from '../registration/registration-store.ts';
import { type ResourceRegistry, requireRegistered } from '../resources/resource-registry.ts';
import { requireKnown } from '../scopes/scope-registry.ts';
import { withChosenId } from './chosen-id.ts';

export interface CreatedClient {
  readonly clientId: string;
  /** Shown this once; only its digest is kept. Undefined for a client that authenticates without one. */
  readonly clientSecret: string | undefined;
}

/** Each call is made with a verified access token, and throws `invalid_token` where that no longer stands. */
export interface ClientAdministration {
  /**
   * Without `chosenId` Postern makes the id. Throws `invalid_parameter` for an unknown scope, `access_denied` for one
   * that the token may not assign, and `conflict` for an id that is taken. Does not check who may choose ids.
   */
  create(token: AccessToken, change: ClientChange, chosenId?: string): Promise<CreatedClient>;
  /** The client after the change, which manages itself no more. Throws as `create` does, and `not_found`. */
  change(token: AccessToken, clientId: string, change: ClientChange): Promise<Client>;
  /** Ends all tokens of the client that were issued so far. Throws as `remove` does. */
  revokeTokens(token: AccessToken, clientId: string): Promise<void>;
  /** Throws `not_found`, and `access_denied` unless the token may assign all that the client holds. */
  remove(token: AccessToken, clientId: string): Promise<void>;
}

export interface ClientAdministrationOptions {
  readonly events: EventLog;
  readonly masterKey: MasterKey;
  readonly root: Client;
  readonly delegation: DelegationRules;
  readonly actorScopesOf: ActorScopes;
  readonly resources: ResourceRegistry;
  readonly detailsTypes: AuthorizationDetailsTypeRegistry;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createClientAdministration(options: ClientAdministrationOptions): ClientAdministration {
  const { events, masterKey, root, delegation, actorScopesOf, resources, detailsTypes, now } = options;
  const timestamp = () => new Date(now()).toISOString();
  const known = (change: ClientChange): ClientChange => ({
    ...change,
    ...(change.scopes && { scopes: requireKnown(change.scopes, delegation.registry) }),
    ...(change.grantable_scopes && { grantable_scopes: requireKnown(change.grantable_scopes, delegation.registry) }),
  });

  const coverLifetime = (transaction: Kysely<Database>, { accessTokenTtlSeconds }: Client) =>
    coverTokenLifetime(transaction, accessTokenTtlSeconds ?? 0, now());

  return {
    async create(token, wanted, chosenId) {
      const change = known(wanted);
      const createdAt = timestamp();
      const fresh = changeClient(newClient(chosenId ?? generateClientId(), createdAt), change, createdAt);
      checkMetadata(fresh.metadata);
      requireRegistered(change, resources);
      requireKnownTypes(change, detailsTypes);
      const clientSecret = usesSecret(fresh.metadata) ? generateClientSecret() : undefined;
      await events.change(token.clientId, async (transaction, append) => {
        requireAssignable(fresh, await actorScopesOf(transaction, token), delegation);
        const client = chosenId === undefined ? fresh : await withChosenId(transaction, fresh, root.id);
        await coverLifetime(transaction, client);
        await recordCreation(transaction, append, client, change);
        if (clientSecret !== undefined) {
          const secret = newSecret(clientSecret, masterKey, now(), undefined);
          await insertSecret(transaction, client.id, secret);
          await append({ kind: 'secret.created', subject: client.id, data: { secret_id: secret.id } });
        }
      });
      return { clientId: fresh.id, clientSecret };
    },

    change(token, clientId, wanted) {
      const change = known(wanted);
      return events.change(token.clientId, async (transaction, append) => {
        const assignable = await actorScopesOf(transaction, token);
        const before = await getClient(transaction, clientId);
        const after = changeClient(before, change, timestamp());
        checkMetadata(after.metadata);
        requireRegistered(change, resources);
        requireKnownTypes(change, detailsTypes);
        requireAssignable(before, assignable, delegation);
        requireAssignable(after, assignable, delegation);
        await recordChange(transaction, append, before, after, change);
        await coverLifetime(transaction, after);
        // What an administrator decided about a client, the client must not decide otherwise.
        if (await deleteRegistration(transaction, clientId)) {
          await append({ kind: 'registration_access_token.ended', subject: clientId, data: {} });
        }
        return after;
      });
    },

    revokeTokens(token, clientId) {
      return events.change(token.clientId, async (transaction, append) => {
        const assignable = await actorScopesOf(transaction, token);
        const client = await getClient(transaction, clientId);
        requireAssignable(client, assignable, delegation);
        await endTokens(transaction, append, client);
      });
    },

    remove(token, clientId) {
      return events.change(token.clientId, async (transaction, append) => {
        const assignable = await actorScopesOf(transaction, token);
        requireAssignable(await getClient(transaction, clientId), assignable, delegation);
        await recordDeletion(transaction, append, clientId);
      });
    },
  };
}

/** Throws `invalid_parameter` where the change names a type of authorization details that is not registered. */
function requireKnownTypes(change: ClientChange, detailsTypes: AuthorizationDetailsTypeRegistry): void {
  const unknownType = change.authorization_details_types?.find((type) => !detailsTypes.has(type));
  if (unknownType !== undefined) {
    throw new OAuthError('invalid_parameter', `authorization_details_types: there is no type ${unknownType}.`);
  }
}

/** Throws `not_found`. The root client is not in the database, so it is not found either. */
export async function getClient(db: Kysely<Database>, clientId: string): Promise<Client> {
  const client = await findClient(db, clientId);
  if (client === undefined) {
    throw new OAuthError('not_found', `There is no client with the id '${clientId}'.`);
  }
  return client;
}
