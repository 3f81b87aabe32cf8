import { createGuard, type Guard, signingAlgorithms } from '@postern/guard';
import { guardRoutes } from '@postern/guard/fastify';
import { wellKnownUrl } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import type { Registry } from 'prom-client';
import { type Apis, batchEndpoint } from './batch-endpoint.ts';
import { createClientAuthentication } from './client-auth/authenticate.ts';
import { createClientKeys } from './client-auth/client-keys.ts';
import { offeredMethods } from './client-auth/mutual-tls.ts';
import { createClientDirectory } from './clients/client-directory.ts';
import { logRootChange } from './clients/root-change.ts';
import { allowsAlgorithm, securityProfileOf } from './clients/security-profile.ts';
import { findInactiveReason } from './clients/token-status.ts';
import type { Clock } from './clock.ts';
import type { ServerConfig } from './config/config.ts';
import { createCheckpointSigner } from './events/checkpoint.ts';
import { createDailyCheckpoint } from './events/daily-checkpoint.ts';
import { type EventLog, openEventLog } from './events/event-log.ts';
import { eventsEndpoint } from './events/events-endpoint.ts';
import { followLog } from './events/follow-log.ts';
import { healthEndpoint } from './health-endpoint.ts';
import { answerError, answerNotFound } from './http/answer-error.ts';
import { useClientCertificates } from './http/client-certificates.ts';
import { createGuardedFetch } from './http/guarded-fetch.ts';
import { decodeBody, useJson } from './http/json-bodies.ts';
import { useOverloadShedding } from './http/overload.ts';
import { useRequestLog } from './http/request-log.ts';
import { useRequestMetrics } from './http/request-metrics.ts';
import { recordRoutes } from './http/route-table.ts';
import { useTracing } from './http/tracing.ts';
import { useSchemas } from './http/validation.ts';
import type { Installation } from './installation.ts';
import { introspectionEndpoint } from './introspection-endpoint.ts';
import { createIssuerKeys } from './issuers/issuer-keys.ts';
import { jwksEndpoint } from './jwks-endpoint.ts';
import { createDpopNonces } from './jwt/dpop-nonce.ts';
import { createUsedTokens } from './jwt/used-token-store.ts';
import { openKeyRing } from './keys/key-ring.ts';
import { keysEndpoint } from './keys/keys-endpoint.ts';
import { createFailureBudgets } from './limits/failure-budgets.ts';
import { createMinuteCounters } from './limits/minute-counters.ts';
import { createTokenQuota } from './limits/token-quota.ts';
import { metadataEndpoint } from './metadata-endpoint.ts';
import { createMetrics } from './metrics/metrics.ts';
import { metricsEndpoint } from './metrics/metrics-endpoint.ts';
import { createClientRegistration } from './registration/client-registration.ts';
import { registrationEndpoint, registrationPath } from './registration/registration-endpoint.ts';
import { resourceMetadataEndpoint, resourceMetadataName } from './resource-metadata-endpoint.ts';
import { openRevocationFeed } from './revocation/revocation-feed.ts';
import { revocationsEndpoint } from './revocation/revocations-endpoint.ts';
import { openRevokedTokens } from './revocation/revoked-tokens.ts';
import { revocationEndpoint } from './revocation-endpoint.ts';
import { clientCredentials } from './token/grants/client-credentials.ts';
import { createJwtBearer } from './token/grants/jwt-bearer.ts';
import { createTokenExchange } from './token/grants/token-exchange.ts';
import { tokenEndpoint } from './token/token-endpoint.ts';
import { statisticsEndpoint } from './usage/statistics-endpoint.ts';
import { createUsage } from './usage/usage.ts';
import { usageEndpoint } from './usage/usage-endpoint.ts';
import { type ManagementOptions, managementApis, openManagement } from './wiring/management.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Guards APIs that are hosted beside the authorization server. */
    guard: Guard;
    /** Where such APIs make their changes, for the audit trail. */
    events: EventLog;
    /** The metrics of this node. */
    metrics: Registry;
  }
}

export interface AuthorizationServerOptions {
  readonly config: ServerConfig;
  readonly installation: Installation;
  readonly clock: Clock;
  /** The metrics of all processes that serve together. Default: those of this one. */
  readonly readMetrics?: () => Promise<string>;
  /** Registers the APIs that are served beside these: on the app itself, and on one for each batch of calls. */
  readonly hosted?: Apis;
}

/** Bytes of a form body. */
const formLimit = 65_536;

async function authorizationServerPlugin(app: FastifyInstance, options: AuthorizationServerOptions): Promise<void> {
  const { config, installation, clock } = options;
  const { now } = clock;
  const { db, driver, masterKey } = installation;
  const { issuer } = config;

  const events = await openEventLog({ db, driver, maxStalenessSeconds: config.maxStalenessSeconds, now });
  const revokedTokens = await openRevokedTokens(db, events);
  const usage = createUsage({ db, now });
  const openManagementOf = (of: Pick<ManagementOptions, 'db' | 'events'>) =>
    openManagement({ ...of, config, installation, revokedTokens, lastSecretUse: usage.lastSecretUse, now });
  const management = await openManagementOf({ db, events });
  const { resources, detailsTypes, issuers, root, delegation, recheckInTransaction } = management;
  const keys = await openKeyRing({
    db,
    events,
    masterKey,
    defaultAlg: config.signingAlgorithm,
    algorithmsInUse: () => [...new Set([config.signingAlgorithm, ...resources.algorithms()])],
    rotationIntervalMs: config.keyRotationDays * 86_400_000,
    accessTokenTtlSeconds: config.accessTokenTtlSeconds,
    now,
  });
  await logRootChange(events, root);
  const feed = await openRevocationFeed({ db, events, now });
  const directory = createClientDirectory({ db, events, root, mostCached: config.cachedClients });
  const usedTokens = createUsedTokens(db);
  const fetchDocument = createGuardedFetch(config.fetchAllowedNetworks);
  const issuerKeys = createIssuerKeys(fetchDocument);
  const registrationEnabled = config.registration !== 'off';
  const registration = createClientRegistration({ db, events, masterKey, delegation, root, now });
  const targets = { issuer, resources, accessTokenTtlSeconds: config.accessTokenTtlSeconds };

  const tokenEndpointUrl = `${issuer}/api/v1/oauth/token`;
  const dpop = {
    useProof: (jkt: string, jti: string, expiresAt: number) => usedTokens.use('dpop', jkt, jti, expiresAt),
    nonces: config.dpopNonces === 'required' ? createDpopNonces(masterKey, now) : undefined,
  };
  const senderConstraint = { tokenEndpoint: tokenEndpointUrl, dpop };
  const bindsToCertificates = config.tls !== undefined || config.clientCertificateHeader !== undefined;
  const minuteCounters = createMinuteCounters(db, now, (error) => {
    app.log.error({ err: error }, 'failures and quotas are not shared with other nodes until the database answers');
  });
  const failures = createFailureBudgets(minuteCounters);
  const authenticateClient = createClientAuthentication({
    issuer,
    tokenEndpoint: tokenEndpointUrl,
    directory,
    masterKey,
    keys: createClientKeys(fetchDocument),
    usedTokens,
    recordSecretUse: usage.recordSecretUse,
    failures,
    now,
  });

  const verification = {
    issuer,
    algorithms: signingAlgorithms,
    // Issuer and guard share this machine's clock.
    clockSkewSeconds: 0,
    findKey: keys.find,
  };
  const guard = createGuard({
    ...verification,
    audience: issuer,
    baseUrl: issuer,
    now,
    dpop,
    resourceMetadata: wellKnownUrl(resourceMetadataName, issuer),
    findFault: (token) =>
      findInactiveReason(token, { issuer, findClient: directory.find, isRevoked: revokedTokens.has }),
    mayProveBy: async (clientId, alg) =>
      allowsAlgorithm(securityProfileOf((await directory.find(clientId))?.metadata ?? {}), alg),
  });
  app.decorate('guard', guard);
  app.decorate('events', events);
  const grants = [
    clientCredentials,
    createJwtBearer({ issuer, issuers, issuerKeys, directory, usedTokens }),
    createTokenExchange({
      verification,
      requireActive: guard.requireActive,
      findClient: directory.find,
      resources,
    }),
  ];

  const signCheckpoint = createCheckpointSigner(masterKey.seed('event checkpoints'));
  const writeCheckpoint = createDailyCheckpoint({
    db,
    sign: signCheckpoint,
    write: (checkpoint) => app.log.info({ checkpoint }, 'checkpoint of the event log'),
    now,
  });
  const stopMaintenance = clock.every(60_000, async () => {
    try {
      await keys.maintain();
      await usedTokens.forgetExpired(now() / 1000);
      await revokedTokens.forgetExpired(now() / 1000);
      await usage.write();
      await minuteCounters.forgetPast();
      await feed.maintain();
      await writeCheckpoint();
    } catch (error) {
      app.log.error({ err: error }, 'maintenance failed; it is tried again in a minute');
    }
  });
  const stopFollowing = followLog({ events, driver, clock, log: app.log });
  app.addHook('onClose', async () => {
    stopMaintenance();
    minuteCounters.stop();
    await stopFollowing();
    await usage.write();
  });

  recordRoutes(app);
  useSchemas(app);
  useJson(app);
  useClientCertificates(app, config, now);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  useRequestLog(app, root.id);
  if (config.otlpEndpoint !== undefined) {
    await useTracing(app, config.otlpEndpoint);
  }
  const metrics = createMetrics(
    grants.map(({ grantType }) => grantType),
    {
      inFlight: useOverloadShedding(app, config.overloadMs),
      clientCache: directory.usage,
      eventLagSeconds: events.lagSeconds,
      databaseOutages: installation.databaseOutages,
      signingKeyAges: keys.signingAges,
    },
  );
  app.decorate('metrics', metrics.registry);

  useRequestMetrics(app, metrics);

  app.register((api) => managementApis(api, { management, guard, maintainKeys: keys.maintain }));
  await options.hosted?.(app, { db, events, guard, now });

  app.register(async (api) => {
    guardRoutes(api, guard);
    api.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });
    await batchEndpoint({
      events,
      recheckInTransaction,
      async apis(inner, host) {
        const within = await openManagementOf(host);
        // Keys are made afterwards: making them is a change of its own.
        const maintainKeys = async () => {};
        inner.register((api) => managementApis(api, { management: within, guard: host.guard, maintainKeys }));
        await options.hosted?.(inner, host);
      },
      afterwards: keys.maintain,
      now,
    })(api);
    await usageEndpoint({ db, usage, now })(api);
    await statisticsEndpoint({ db, usage, now })(api);
    await keysEndpoint({ keys, now })(api);
    await revocationsEndpoint({ feed, guard })(api);
    await eventsEndpoint({ db, events, guard, signCheckpoint, now })(api);
  });

  app.register(async (protocol) => {
    useForms(protocol);
    await tokenEndpoint({
      issuer,
      grants,
      authenticateClient,
      failures,
      tokenQuota: createTokenQuota(minuteCounters),
      metrics,
      keys,
      senderConstraint,
      targets,
      detailsTypes,
      usage,
      now,
    })(protocol);
    await introspectionEndpoint({
      issuer,
      authenticateClient,
      verification,
      requireActive: guard.requireActive,
      resources,
      keys,
      now,
    })(protocol);
    await revocationEndpoint({ authenticateClient, verification, revokedTokens, now })(protocol);
  });

  app.register(registrationEndpoint({ issuer, enabled: registrationEnabled, registration, failures }));

  app.register(async (open) => {
    await metadataEndpoint({
      issuer,
      grantTypes: grants.map(({ grantType }) => grantType),
      authMethods: offeredMethods(config),
      bindsToCertificates,
      registry: delegation.registry,
      detailsTypes,
      registrationEndpoint: registrationEnabled ? issuer + registrationPath : undefined,
    })(open);
    await resourceMetadataEndpoint(issuer)(open);
    await jwksEndpoint(keys)(open);
    if (config.metrics === 'beside') {
      await metricsEndpoint(options.readMetrics ?? (() => app.metrics.metrics()))(open);
    }
    await healthEndpoint(events)(open);
  });
}

/** Form bodies, as text: an endpoint parses its own, and the schema is for the documentation. */
function useForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: formLimit },
    (_request, body, done) => done(null, decodeBody(body as Buffer)),
  );
  // A request without a body and its Content-Type passes no parser.
  app.addHook('preValidation', (request, _reply, done) => {
    request.body ??= '';
    done();
  });
  app.setValidatorCompiler(() => () => true);
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, oauthErrors: true };
  });
  // Asynchronous on purpose: what is wrong with the framing of a body is found right after the headers, and must be
  // answered before a handler that never waits has answered too.
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
}

/**
 * Registers the authorization server on a Fastify instance that was made with `httpOptions`. Sets the error handler
 * and the checks of the whole instance, so that APIs registered beside it answer in the same way, and decorates it
 * with `guard` for them.
 */
export const authorizationServer = fastifyPlugin(authorizationServerPlugin, { name: 'postern', fastify: '5.x' });
