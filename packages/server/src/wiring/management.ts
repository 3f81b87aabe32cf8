/**
 * The management APIs over a database, or over the transaction of a batch. The same rules apply to both.
 */
import type { Guard } from '@postern/guard';
import { guardRoutes } from '@postern/guard/fastify';
import type { FastifyInstance } from 'fastify';
import type { Kysely } from 'kysely';
import { openAuthorizationDetailsTypeRegistry } from '../authorization-details/authorization-details-type-registry.ts';
import { authorizationDetailsTypesEndpoint } from '../authorization-details/authorization-details-types-endpoint.ts';
import { createClientAdministration } from '../client-administration/client-administration.ts';
import { clientsEndpoint } from '../client-administration/clients-endpoint.ts';
import { createSecretAdministration } from '../client-administration/secret-administration.ts';
import { secretsEndpoint } from '../client-administration/secrets-endpoint.ts';
import { clientDocumentsEndpoint } from '../client-documents/client-documents-endpoint.ts';
import { createDocumentRecords } from '../client-documents/document-records.ts';
import { clientPoliciesEndpoint } from '../client-policies/client-policies-endpoint.ts';
import { openClientPolicyRegistry } from '../client-policies/client-policy-registry.ts';
import type { FindActor } from '../clients/find-actor.ts';
import type { ServerConfig } from '../config/config.ts';
import type { Database } from '../db/schema.ts';
import { createAdminister } from '../delegation/administer.ts';
import { createFindDelegate, createLoadReachRules } from '../delegation/delegate.ts';
import type { DescendantCounts } from '../descendants/descendants.ts';
import type { EventLog } from '../events/event-log.ts';
import { forbidCaching } from '../http/caching.ts';
import type { Installation } from '../installation.ts';
import { issuersEndpoint } from '../issuers/issuers-endpoint.ts';
import { createTrustedIssuerRegistry } from '../issuers/trusted-issuer-registry.ts';
import { createInitialAccessTokenAdministration } from '../registration/initial-access-token-administration.ts';
import { initialAccessTokensEndpoint } from '../registration/initial-access-tokens-endpoint.ts';
import { openResourceRegistry } from '../resources/resource-registry.ts';
import { loadResourcesOf } from '../resources/resource-store.ts';
import { resourcesEndpoint } from '../resources/resources-endpoint.ts';
import { openRoleRegistry } from '../roles/role-registry.ts';
import { rolesEndpoint } from '../roles/roles-endpoint.ts';
import { type LoadScopes, openOwnScopes } from '../scopes/own-scopes.ts';
import { scopesEndpoint } from '../scopes/scopes-endpoint.ts';
import { secretUseIntervalMs, type Usage } from '../usage/usage.ts';

export interface ManagementOptions {
  readonly config: ServerConfig;
  readonly installation: Pick<Installation, 'masterKey' | 'root'>;
  /** The database, or a transaction on it. */
  readonly db: Kysely<Database>;
  /** The log of `db`. */
  readonly events: EventLog;
  readonly findActor: FindActor;
  readonly loadScopes: LoadScopes;
  readonly usage: Pick<Usage, 'lastSecretUse' | 'lastTokenIssue'>;
  readonly descendants: Pick<DescendantCounts, 'count'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export type Management = Awaited<ReturnType<typeof openManagement>>;

/** Loads what is kept in memory. Throws `StartError` if the database does not fit this version. */
export async function openManagement(options: ManagementOptions) {
  const { config, db, events, findActor, loadScopes, usage, descendants, now } = options;
  const { masterKey, root } = options.installation;
  const { issuer, outboundHosts, clientMetadataHosts } = config;

  const loadReachRules = createLoadReachRules({ config, loadScopes, loadResourcesOf });
  const findDelegate = createFindDelegate({ findActor, loadReachRules });
  const resources = await openResourceRegistry({ db, events, issuer, findDelegate });
  const scopes = await openOwnScopes({
    db,
    events,
    findResources: (name) => resources.list().flatMap((resource) => (resource.scopes.has(name) ? resource.key : [])),
  });
  const roles = await openRoleRegistry({ db, events, scopes: scopes.registry, findDelegate });
  const policies = await openClientPolicyRegistry(db, events);
  const detailsTypes = await openAuthorizationDetailsTypeRegistry(db, events);
  const administer = createAdminister({ events, findDelegate });
  const { registry } = scopes;
  const common = { db, events, masterKey, root, findActor, findDelegate, administer, resources, detailsTypes, now };
  return {
    db,
    now,
    lastTokenIssue: usage.lastTokenIssue,
    resources,
    scopes,
    roles,
    policies,
    detailsTypes,
    loadReachRules,
    clients: createClientAdministration({
      ...common,
      scopes: registry,
      outboundHosts,
      clientMetadataHosts,
      descendants,
    }),
    clientDocuments: createDocumentRecords({ db, events, now }),
    secrets: createSecretAdministration({
      ...common,
      lastSecretUse: usage.lastSecretUse,
      secretUseDelayMs: secretUseIntervalMs,
      accessTokenTtlSeconds: config.accessTokenTtlSeconds,
    }),
    issuers: createTrustedIssuerRegistry({ db, events, ownIssuer: issuer, findDelegate, outboundHosts }),
    initialAccessTokens: createInitialAccessTokenAdministration({
      ...common,
      scopes: registry,
      enabled: config.registration !== 'off',
    }),
  };
}

/** Registers the management APIs, behind `guard`. */
export async function managementApis(
  app: FastifyInstance,
  { management, guard, maintainKeys }: { management: Management; guard: Guard; maintainKeys: () => Promise<void> },
): Promise<void> {
  const { now, lastTokenIssue, db, clients, secrets, scopes, roles, initialAccessTokens } = management;
  const { resources, issuers, policies, detailsTypes, clientDocuments } = management;
  guardRoutes(app, guard);
  forbidCaching(app);
  await clientsEndpoint({ db, administration: clients, lastTokenIssue, now })(app);
  await secretsEndpoint({ secrets })(app);
  await clientDocumentsEndpoint({ db, records: clientDocuments, now })(app);
  await scopesEndpoint(scopes)(app);
  await rolesEndpoint(roles)(app);
  await initialAccessTokensEndpoint({ db, administration: initialAccessTokens })(app);
  await resourcesEndpoint({ resources, scopes: scopes.registry, maintainKeys })(app);
  await issuersEndpoint({ issuers, scopes: scopes.registry })(app);
  await authorizationDetailsTypesEndpoint(detailsTypes)(app);
  await clientPoliciesEndpoint({ policies, scopes: scopes.registry })(app);
}
