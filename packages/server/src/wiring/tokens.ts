/** Creates what it takes to issue, accept, introspect and revoke tokens and to register clients, and its endpoints. */
import { createGuard, RecentMap, signingAlgorithms, type VerifiedToken } from '@postern/guard';
import { createDpopNonces } from '@postern/guard/node';
import { wellKnownUrl } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';
import { createClientAuthentication } from '../client-auth/authenticate.ts';
import { createBundleKeys } from '../client-auth/bundle-keys.ts';
import { createClientKeys } from '../client-auth/client-keys.ts';
import { openImportedSecrets } from '../client-auth/imported-secrets.ts';
import { offeredMethods } from '../client-auth/mutual-tls.ts';
import { createClientDocuments } from '../client-documents/client-documents.ts';
import { createFetchClientDocument } from '../client-documents/fetch-client-document.ts';
import { withPolicies } from '../client-policies/client-policy.ts';
import type { Client } from '../clients/client.ts';
import { createClientDirectory } from '../clients/client-directory.ts';
import type { FindActor } from '../clients/find-actor.ts';
import { revokeAllEndpoint } from '../clients/revoke-all-endpoint.ts';
import { createRevokeAllTokens } from '../clients/revoke-all-tokens.ts';
import { allowsAlgorithm, requirementsOf } from '../clients/security-profile.ts';
import { findInactiveReason } from '../clients/token-status.ts';
import type { ServerConfig } from '../config/config.ts';
import type { DescendantCounts } from '../descendants/descendants.ts';
import { revocationPreviewEndpoint } from '../descendants/revocation-preview-endpoint.ts';
import { revokeOneEndpoint } from '../descendants/revoke-one-endpoint.ts';
import { createRevokeToken } from '../descendants/revoke-token.ts';
import { jwksEndpoint } from '../discovery/jwks-endpoint.ts';
import { metadataEndpoint } from '../discovery/metadata-endpoint.ts';
import { resourceMetadataEndpoint, resourceMetadataName } from '../discovery/resource-metadata-endpoint.ts';
import type { EventLog } from '../events/event-log.ts';
import { explainEndpoint } from '../explain/explain-endpoint.ts';
import type { Failures } from '../failures/failures.ts';
import { createAdministratorCheck } from '../http/administrator-requests.ts';
import { useForms } from '../http/bodies.ts';
import { forbidCaching } from '../http/caching.ts';
import { createGuardedFetch } from '../http/guarded-fetch.ts';
import type { Installation } from '../installation.ts';
import { introspectionEndpoint } from '../introspection-endpoint.ts';
import { createIssuerKeys } from '../issuers/issuer-keys.ts';
import type { OnKeysFault } from '../jwt/published-keys.ts';
import { createUsedTokens } from '../jwt/used-token-store.ts';
import { type KeyRing, openKeyRing } from '../keys/key-ring.ts';
import { jwksMaxAgeSeconds } from '../keys/key-schedule.ts';
import { createFailureBudgets } from '../limits/failure-budgets.ts';
import type { PeriodCounters } from '../limits/period-counters.ts';
import { createSelfServiceLimit } from '../limits/self-service-limit.ts';
import type { TokenQuota } from '../limits/token-quota.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { createPeople } from '../people/people.ts';
import { createClientRegistration } from '../registration/client-registration.ts';
import { registrationEndpoint, registrationPath } from '../registration/registration-endpoint.ts';
import { mayIntrospect } from '../resources/resource-registry.ts';
import type { FeedKeys } from '../revocation/feed-keys.ts';
import type { RevokedTokens } from '../revocation/revocations.ts';
import { revocationEndpoint } from '../revocation-endpoint.ts';
import { sessionsById } from '../sessions/end-sessions.ts';
import { sessionEndpoint } from '../sessions/session-endpoint.ts';
import { createSessions } from '../sessions/sessions.ts';
import { whoamiEndpoint } from '../sessions/whoami-endpoint.ts';
import { setAlgorithm } from '../shared-signals/set.ts';
import type { StreamRegistry } from '../shared-signals/stream-registry.ts';
import { createProvider } from '../sign-in/provider.ts';
import { callbackPath, signInEndpoint } from '../sign-in/sign-in-endpoint.ts';
import { clientCredentials } from '../token/grants/client-credentials.ts';
import { createIdJagExchange, createIdTokenExchange } from '../token/grants/id-jag-exchange.ts';
import { createJwtBearer } from '../token/grants/jwt-bearer.ts';
import { createJwtIdentities } from '../token/grants/jwt-identity.ts';
import { createTokenExchange } from '../token/grants/token-exchange.ts';
import { createWorkloadExchange } from '../token/grants/workload-exchange.ts';
import { grantTypesOf } from '../token/parse-token-request.ts';
import { tokenEndpoint } from '../token/token-endpoint.ts';
import type { Usage } from '../usage/usage.ts';
import type { Management } from './management.ts';

export interface TokensOptions {
  readonly config: ServerConfig;
  readonly installation: Pick<Installation, 'db' | 'masterKey' | 'root'>;
  readonly rootClient: () => Client;
  readonly findActor: FindActor;
  readonly events: EventLog;
  readonly management: Management;
  readonly keys: KeyRing;
  readonly feedKeys: FeedKeys;
  readonly revokedTokens: RevokedTokens;
  readonly usage: Usage;
  readonly descendants: DescendantCounts;
  readonly failures: Failures;
  readonly periodCounters: {
    /** Which failures of anybody are counted in. */
    readonly ofFailures: PeriodCounters;
    /** Which only authenticated clients are counted in. */
    readonly ofClients: PeriodCounters;
  };
  readonly tokenQuota: TokenQuota;
  readonly onKeysFault: OnKeysFault;
  /** Called if the digest of another server could not be replaced. */
  readonly onRehashFault: (error: unknown) => void;
  /** Called if what the metadata document of a client says now could not be recorded. */
  readonly onRecordFault: (error: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds by a clock that never jumps. */
  readonly monotonic: () => number;
}

/** Opens the signing keys: each algorithm that the configuration, a resource or an event stream asks for has one at all times. */
export function openKeys(
  {
    config,
    installation,
    events,
    streams,
    now,
    monotonic,
  }: Pick<TokensOptions, 'config' | 'installation' | 'events' | 'now' | 'monotonic'> & {
    readonly streams: StreamRegistry;
  },
  { resources }: Management,
): Promise<KeyRing> {
  const { signingAlgorithm } = config;
  return openKeyRing({
    db: installation.db,
    events,
    masterKey: installation.masterKey,
    defaultAlg: signingAlgorithm,
    algorithmsInUse: () => [
      ...new Set([signingAlgorithm, ...resources.algorithms(), ...(streams.known().length > 0 ? [setAlgorithm] : [])]),
    ],
    publicationLeadMs: keyLeadMs(config),
    rotationIntervalMs: config.keyRotationDays * 86_400_000,
    accessTokenTtlSeconds: config.accessTokenTtlSeconds,
    now,
    monotonic,
  });
}

function keyLeadMs({ keyLeadMinutes }: ServerConfig): number {
  return keyLeadMinutes * 60_000;
}

/** At most this many verified tokens are kept for the management API, and as many for introspection and exchange. */
const verifiedTokens = 2_000;

/** The same for the API of this server, which thousands of guards call in turn, each with a token of its own. */
const verifiedTokensOfApi = 6_000;

export async function createTokens(options: TokensOptions) {
  const {
    config,
    rootClient,
    findActor,
    events,
    management,
    keys,
    feedKeys,
    revokedTokens,
    usage,
    descendants,
    periodCounters,
    tokenQuota,
    now,
    monotonic,
  } = options;
  const { db, masterKey, root } = options.installation;
  const { issuer, accessTokenTtlSeconds } = config;
  const applyPolicies = (client: Client) => withPolicies(client, management.policies.list(), accessTokenTtlSeconds);
  const { resources, issuers, detailsTypes, scopes, loadReachRules } = management;

  const directory = createClientDirectory({
    db,
    events,
    rootClient,
    findActor,
    applyPolicies,
    mostCached: config.cachedClients,
  });
  const usedTokens = createUsedTokens(db, now, monotonic);
  const failures = createFailureBudgets(periodCounters.ofFailures);
  const fetchDocument = createGuardedFetch(config.fetchAllowedNetworks, config.outboundHosts);
  const fetchedKeys = { now: monotonic, onFault: options.onKeysFault };
  const tokenEndpointUrl = `${issuer}/api/v1/oauth/token`;
  const clientDocuments = createClientDocuments({
    hosts: config,
    audiences: { issuer, tokenEndpoint: tokenEndpointUrl },
    fetchDocument: createFetchClientDocument({
      allowedNetworks: config.fetchAllowedNetworks,
      allowedHosts: config.outboundHosts,
    }),
    keys: fetchedKeys,
    records: management.clientDocuments,
    fetchLimit: createSelfServiceLimit({
      counts: periodCounters.ofFailures,
      what: 'metadata documents of unknown clients that are fetched from one host',
      mostPerMinute: 120,
    }),
    onRecordFault: options.onRecordFault,
  });
  const clientKeys = createClientKeys(fetchDocument, fetchedKeys, clientDocuments.keysOf);
  const bundleKeys = createBundleKeys(fetchDocument, fetchedKeys);
  const importedSecrets = await openImportedSecrets({ db, events, masterKey, onFault: options.onRehashFault });
  const authenticateClient = createClientAuthentication({
    issuer,
    tokenEndpoint: tokenEndpointUrl,
    directory,
    masterKey,
    keys: clientKeys,
    bundleKeys,
    findStrangerFault: clientDocuments.findStrangerFault,
    importedSecrets,
    usedTokens,
    recordSecretUse: usage.recordSecretUse,
    failures,
    now,
  });

  const dpop = {
    useProof: (issuer: string, jti: string, expiresAt: number, clientId: string) =>
      usedTokens.use({ kind: 'dpop', issuer, jti, expiresAt, clientId }),
    nonces:
      config.dpopNonces === 'required' ? createDpopNonces(masterKey.digest('dpop nonces', 'key'), now) : undefined,
  };
  const verification = {
    issuer,
    algorithms: signingAlgorithms,
    // This server issues and verifies by the same clock.
    clockSkewSeconds: 0,
    findKey: keys.find,
  };
  /** For the endpoints that take any token of this server: a token whose signature was verified is only checked for whether it is active. */
  const issuedVerification = { ...verification, verifiedTokens: new RecentMap<VerifiedToken>(verifiedTokens) };
  const isKeyPublished = (kid: string) => keys.find(kid) !== undefined;
  const tokenStatus = { issuer, findClient: directory.find, isRevoked: revokedTokens.has, isKeyPublished, now };
  const guard = createGuard({
    ...verification,
    verifiedTokens: new RecentMap<VerifiedToken>(verifiedTokensOfApi),
    audience: issuer,
    baseUrl: issuer,
    now,
    dpop,
    resourceMetadata: wellKnownUrl(resourceMetadataName, issuer),
    findInactiveReason: (token) => findInactiveReason(token, tokenStatus),
    isProofAlgorithmAllowed: async (clientId, alg) =>
      allowsAlgorithm(requirementsOf((await directory.find(clientId)) ?? { metadata: {} }), alg),
  });
  const identities = createJwtIdentities({
    issuer,
    tokenEndpoint: tokenEndpointUrl,
    issuers,
    issuerKeys: createIssuerKeys(fetchDocument, fetchedKeys),
    clientKeys,
    directory,
    usedTokens,
  });
  const exchange = { verification: issuedVerification, requireActive: guard.requireActive, resources };
  const grants = [
    clientCredentials,
    createJwtBearer(identities),
    createIdTokenExchange(identities, issuer),
    createIdJagExchange(exchange, issuer),
    createWorkloadExchange(identities, issuer),
    createTokenExchange(exchange),
  ];

  const grantTypes = grantTypesOf(grants);
  const registration = createClientRegistration({
    ...{ db, events, masterKey, loadReachRules, findActor, now },
    outboundHosts: config.outboundHosts,
  });
  const isRegistrationEnabled = config.registration !== 'off';

  const limitOf = (what: string, mostPerMinute: number) =>
    createSelfServiceLimit({ counts: periodCounters.ofClients, what, mostPerMinute });
  const sessions = createSessions({
    ...{ issuer, db, events, masterKey, directory, findActor, keys, revokedTokens, tokenQuota, usage, now },
    limit: limitOf('sessions of one client or person that begin or end', 300),
  });

  const ends = sessionsById(findActor, now);
  const revokeToken = createRevokeToken({ events, findActor, sessions: ends, descendants, now });
  const people = createPeople({ db, events, findActor, now });
  const provider =
    config.signIn &&
    createProvider({ config: config.signIn, redirectUri: issuer + callbackPath, network: config, now });

  return {
    directory,
    usedTokens,
    guard,
    grantTypes,
    countImportedSecrets: importedSecrets.countPending,
    isAdministrator: createAdministratorCheck(
      directory.findInMemory,
      (scope) => !scopes.registry.ordinaryNames.has(scope),
    ),

    /** Registers the endpoints that clients call with their own credentials, and those that explain tokens and revoke all. */
    endpoints(app: FastifyInstance, metrics: Metrics): void {
      const common = {
        issuer,
        authenticateClient,
        findActor,
        verification,
        resources,
        keys,
        revokedTokens,
        usage,
        descendants,
        now,
      };
      app.addHook('onClose', importedSecrets.close);
      app.register(async (forms) => {
        useForms(forms);
        forbidCaching(forms);
        await tokenEndpoint({
          ...common,
          grants,
          corsOrigins: config.corsOrigins,
          failures,
          tokenQuota,
          metrics,
          senderConstraint: { tokenEndpoint: tokenEndpointUrl, dpop },
          targets: { issuer, resources, accessTokenTtlSeconds },
          detailsTypes,
          recordFailure: options.failures.record,
          findClientInMemory: directory.findInMemory,
          scopes: scopes.registry,
        })(forms);
        await introspectionEndpoint({
          ...common,
          verification: issuedVerification,
          requireActive: guard.requireActive,
        })(forms);
        await revocationEndpoint({
          ...common,
          monotonic,
          revokeToken,
          limit: limitOf('revocations of single tokens by one client', 600),
        })(forms);
      });
      app.register(
        explainEndpoint({
          ...tokenStatus,
          verification,
          mayIntrospect: (clientId, token) => mayIntrospect(clientId, token, resources),
          guard,
          now,
        }),
      );
      app.register(
        revokeOneEndpoint({ revokeToken, revokeTokensOf: management.clients.revokeTokens, verification, guard, now }),
      );
      app.register(revocationPreviewEndpoint({ ...tokenStatus, db, findActor, descendants, verification, guard, now }));
      app.register(whoamiEndpoint({ db, directory, guard }));
      if (config.signIn !== undefined && provider !== undefined) {
        app.register(
          signInEndpoint({
            ...{ issuer, config: config.signIn, provider, people, sessions, masterKey, usedTokens, now },
            // By address, so that strangers never make the counts of clients inexact.
            limit: createSelfServiceLimit({
              counts: periodCounters.ofFailures,
              what: 'calls to sign in from one address',
              mostPerMinute: 120,
            }),
          }),
        );
      }
      app.register(sessionEndpoint({ issuer, sessions, authenticateClient, provider }));
      app.register(revokeAllEndpoint({ revokeAllTokens: createRevokeAllTokens({ events, root, masterKey }), guard }));
      app.register(
        registrationEndpoint({
          issuer,
          enabled: isRegistrationEnabled,
          registration,
          failures,
          limits: {
            ofInitialToken: limitOf('registrations by one initial access token', 300),
            ofClient: limitOf('calls about one registration', 60),
            ofAddress: limitOf('registrations and calls about them from one address', 300),
          },
        }),
      );
    },

    /** Registers the documents by which clients and APIs discover all that. */
    async discovery(app: FastifyInstance): Promise<void> {
      await metadataEndpoint({
        issuer,
        grantTypes,
        authMethods: offeredMethods(config),
        readsClientDocuments: config.clientMetadataHosts !== undefined,
        bindsToCertificates: config.tls !== undefined || config.clientCertificateHeader !== undefined,
        registry: scopes.registry,
        detailsTypes,
        registrationEndpoint: isRegistrationEnabled ? issuer + registrationPath : undefined,
      })(app);
      await resourceMetadataEndpoint(issuer)(app);
      await jwksEndpoint(keys, feedKeys, jwksMaxAgeSeconds(keyLeadMs(config)))(app);
    },
  };
}
