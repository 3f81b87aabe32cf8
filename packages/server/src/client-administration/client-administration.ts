/** Creating, changing and deleting clients: rules, store and events brought together, each change in one transaction. */
import { isDeepStrictEqual } from 'node:util';
import type { AccessToken } from '@postern/guard';
import { OAuthError, showName } from '@postern/protocol';
import type { Kysely } from 'kysely';
import type { AuthorizationDetailsTypeRegistry } from '../authorization-details/authorization-details-type-registry.ts';
import { type DocumentHosts, requireDocumentUrl } from '../client-documents/client-id-url.ts';
import { settleDocument } from '../client-documents/document-records.ts';
import { requirePolicies, secretTtlSeconds } from '../client-policies/client-policy.ts';
import { clientPolicies } from '../client-policies/client-policy-store.ts';
import { type Client, type ClientChange, changeClient, newClient, nextGeneration } from '../clients/client.ts';
import { recordChange, recordCreation, recordDeletion, revokeTokens } from '../clients/client-changes.ts';
import { parseExpiry, requireFutureExpiry } from '../clients/client-expiry.ts';
import { requireConsistentMetadata, usesSecret } from '../clients/client-metadata.ts';
import { newSecret } from '../clients/client-secret.ts';
import { insertSecret } from '../clients/client-secret-store.ts';
import { generateClientId, generateClientSecret } from '../clients/credentials.ts';
import type { FindActor } from '../clients/find-actor.ts';
import type { ImportedDigest } from '../clients/imported-digest.ts';
import { isPersonId } from '../clients/person-id.ts';
import type { RootConfig } from '../config/config.ts';
import type { Database } from '../db/schema.ts';
import type { Administer } from '../delegation/administer.ts';
import type { FindDelegate } from '../delegation/delegate.ts';
import { requireLimitsOfOthers } from '../delegation/limits-of-others.ts';
import { inheritLimits } from '../delegation/reach.ts';
import type { DescendantCounts, Descendants } from '../descendants/descendants.ts';
import { descendantsData } from '../descendants/descendants-view.ts';
import type { Append, EventLog } from '../events/event-log.ts';
import { requireOutboundHost } from '../http/outbound-hosts.ts';
import { deleteRulesFor } from '../issuers/trusted-issuer-registry.ts';
import type { MasterKey } from '../keys/master-key.ts';
import { coverTokenLifetime, findLongestTokenTtl } from '../keys/signing-key-store.ts';
import { deleteRegistration } from '../registration/registration-store.ts';
import { type ResourceRegistry, requireRegistered } from '../resources/resource-registry.ts';
import { requireKnown, type ScopeRegistry } from '../scopes/scope-registry.ts';
import { endSessionsOf } from '../sessions/end-sessions.ts';
import { withChosenId } from './chosen-id.ts';
import { requireStrongSecret } from './chosen-secret.ts';

/** What the caller chooses instead of Postern. */
export interface ChosenCredentials {
  readonly id?: string | undefined;
  /** The secret, or the digest that another server has of it. */
  readonly secret?: string | ImportedDigest | undefined;
}

export interface CreatedClient {
  readonly clientId: string;
  /** Shown this once; only its digest is kept. Undefined if the caller chose it, or the client authenticates without one. */
  readonly clientSecret: string | undefined;
  /** The limits that it has from its creator, since the call did not name them. */
  readonly inherited: ClientChange;
}

/** Each call takes a verified access token, and throws `invalid_token` if that is no longer active. */
export interface ClientAdministration {
  /**
   * Postern generates what is not chosen. Throws `invalid_parameter` for what contradicts itself or is unknown,
   * `access_denied` for what the token may not give, and `conflict` for an id that is taken. Does not check who may choose
   * ids and secrets.
   */
  create(token: AccessToken, change: ClientChange, chosen?: ChosenCredentials): Promise<CreatedClient>;
  /** Returns the client after the change, which can no longer manage itself. Throws as `create` does, and `not_found`. */
  change(token: AccessToken, clientId: string, change: ClientChange): Promise<Client>;
  /**
   * Revokes all tokens of the client or person that were issued so far, and ends their sessions. Returns what was issued below
   * these tokens. Throws as `remove` does.
   */
  revokeTokens(token: AccessToken, clientId: string): Promise<Descendants>;
  /**
   * Deletes the client, and the rules of trusted issuers for it. Throws `not_found`, and `access_denied` unless the token
   * may give all that the client can do.
   */
  remove(token: AccessToken, clientId: string): Promise<void>;
}

export interface ClientAdministrationOptions extends DocumentHosts {
  readonly descendants: Pick<DescendantCounts, 'count'>;
  readonly events: EventLog;
  readonly masterKey: MasterKey;
  readonly root: Pick<RootConfig, 'clientId'>;
  readonly scopes: ScopeRegistry;
  readonly findActor: FindActor;
  readonly findDelegate: FindDelegate;
  readonly administer: Administer;
  readonly resources: ResourceRegistry;
  readonly detailsTypes: AuthorizationDetailsTypeRegistry;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function createClientAdministration(options: ClientAdministrationOptions): ClientAdministration {
  const { events, masterKey, root, scopes, findActor, findDelegate, administer, resources, detailsTypes } = options;
  const { descendants, now } = options;
  const known = (change: ClientChange): ClientChange => ({
    ...change,
    ...(change.scopes && { scopes: requireKnown(change.scopes, scopes) }),
    ...(change.grantableScopes && { grantableScopes: requireKnown(change.grantableScopes, scopes) }),
    ...(change.expiresAt != null && { expiresAt: parseExpiry(change.expiresAt) }),
  });

  const requireFetchableKeys = ({ jwksUri, spiffeBundleEndpoint }: ClientChange) => {
    for (const [member, url] of Object.entries({ jwks_uri: jwksUri, spiffe_bundle_endpoint: spiffeBundleEndpoint })) {
      if (url != null) {
        requireOutboundHost(options.outboundHosts, member, url);
      }
    }
  };

  const coverLifetime = (transaction: Kysely<Database>, { accessTokenTtlSeconds }: Client) =>
    coverTokenLifetime(transaction, accessTokenTtlSeconds ?? 0, now());

  /** If the client is to end earlier, revokes its tokens unless all of them expire before: guards know only when they do. */
  const revokeIfOutlived = async (
    transaction: Kysely<Database>,
    append: Append,
    before: Client,
    after: Client,
  ): Promise<Client> => {
    const end = after.expiresAt ?? Number.POSITIVE_INFINITY;
    const isEarlier = end < (before.expiresAt ?? Number.POSITIVE_INFINITY);
    return isEarlier && end < now() + (await findLongestTokenTtl(transaction)) * 1000
      ? { ...after, generation: nextGeneration(before.generation, append.leastGeneration()) }
      : after;
  };

  /** A person has no tokens but those of their sessions. */
  const endSessionsOfPerson = (token: AccessToken, id: string) =>
    events.change(token, async (transaction, append) => {
      const ended = await descendants.count(transaction, { clientId: id });
      const [person, delegate] = await Promise.all([findActor(transaction, id), findDelegate(transaction, token)]);
      if (person === undefined) {
        throw new OAuthError('not_found', `There is no person ${showName(id)}.`);
      }
      await delegate.requireWithin(person);
      await endSessionsOf(transaction, append, id, person, now());
      return ended;
    });

  return {
    async create(token, wanted, chosen = {}) {
      const named = known(wanted);
      requireRegistered(named, resources);
      requireKnownTypes(named, detailsTypes);
      requireFetchableKeys(named);
      if (typeof chosen.secret === 'string') {
        requireStrongSecret(chosen.secret);
      }
      return events.change(token, async (transaction, append) => {
        const [delegate, policies] = await Promise.all([
          findDelegate(transaction, token),
          clientPolicies.load(transaction),
        ]);
        const { change, inherited } = inheritLimits(named, delegate.client, delegate.rules);
        const createdAt = now();
        const fresh = changeClient(newClient(chosen.id ?? generateClientId(), createdAt), change, createdAt);
        requireConsistentMetadata(fresh.metadata);
        requireDocumentUrl(options, fresh);
        requireFutureExpiry(undefined, fresh, createdAt);
        await delegate.requireWithin(fresh);
        requirePolicies(fresh, policies);
        const client = chosen.id === undefined ? fresh : await withChosenId(transaction, append, fresh, root.clientId);
        await Promise.all([coverLifetime(transaction, client), recordCreation(transaction, append, client, change)]);
        if (chosen.id?.startsWith('https://')) {
          await settleDocument(transaction, append, client, createdAt);
        }
        if (!usesSecret(client.metadata)) {
          requireNoSecret(chosen, client);
          return { clientId: client.id, clientSecret: undefined, inherited };
        }
        const generated = chosen.secret === undefined ? generateClientSecret() : undefined;
        const ttlSeconds = secretTtlSeconds(client, policies, undefined);
        const secret = newSecret(chosen.secret ?? (generated as string), masterKey, createdAt, ttlSeconds);
        await insertSecret(transaction, client.id, secret);
        await append({
          kind: 'secret.created',
          subject: client.id,
          data: { secretId: secret.id, importedForm: secret.imported?.form },
        });
        return { clientId: client.id, clientSecret: generated, inherited };
      });
    },

    change(token, clientId, wanted) {
      const change = known(wanted);
      requireFetchableKeys(change);
      return administer(token, clientId, async (transaction, append, { client: before, delegate }) => {
        const changed = changeClient(before, change, now(), append.leastGeneration());
        const after = await revokeIfOutlived(transaction, append, before, changed);
        if (isDeepStrictEqual(after, { ...before, updatedAt: after.updatedAt })) {
          await append.unchanged({ kind: 'client.updated', subject: clientId, data: {} });
          return before;
        }
        requireConsistentMetadata(after.metadata);
        if (change.clientIdMetadataDocument === true) {
          requireDocumentUrl(options, after);
        }
        requireFutureExpiry(before, after, now());
        requireRegistered(change, resources);
        requireKnownTypes(change, detailsTypes);
        await delegate.requireWithin(after);
        await requireLimitsOfOthers(transaction, delegate, append.pending, before, after);
        requirePolicies(after, await clientPolicies.load(transaction));
        await recordChange(transaction, append, before, after, change);
        await coverLifetime(transaction, after);
        if (before.metadata.clientIdMetadataDocument === true && after.metadata.clientIdMetadataDocument !== true) {
          await settleDocument(transaction, append, after, now());
        }
        // A client must not change what an administrator has decided about it.
        if (await deleteRegistration(transaction, clientId)) {
          await append({ kind: 'registration_access_token.ended', subject: clientId, data: {} });
        }
        return after;
      });
    },

    revokeTokens(token, clientId) {
      if (isPersonId(clientId)) {
        return endSessionsOfPerson(token, clientId);
      }
      return administer(token, clientId, async (transaction, append, { client }) => {
        const ended = await descendants.count(transaction, { clientId });
        await revokeTokens(transaction, append, client, descendantsData(ended));
        return ended;
      });
    },

    remove(token, clientId) {
      return administer(token, clientId, async (transaction, append, { client }) => {
        await deleteRulesFor(transaction, append, clientId);
        await recordDeletion(transaction, append, client);
      });
    },
  };
}

function requireNoSecret({ secret }: ChosenCredentials, { metadata }: Client): void {
  if (secret !== undefined) {
    const method = metadata.tokenEndpointAuthMethod;
    throw new OAuthError('invalid_parameter', `A client with the token_endpoint_auth_method ${method} has no secret.`);
  }
}

/** Throws `invalid_parameter` if the change names a type of authorization details that is not registered. */
function requireKnownTypes(change: ClientChange, detailsTypes: AuthorizationDetailsTypeRegistry): void {
  const unknownType = change.authorizationDetailsTypes?.find((type) => detailsTypes.find(type) === undefined);
  if (unknownType !== undefined) {
    throw new OAuthError(
      'invalid_parameter',
      `authorization_details_types: there is no type ${showName(unknownType)}.`,
    );
  }
}
