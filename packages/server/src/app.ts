/** The authorization server as a Fastify plugin: the one place where its parts are put together and its routes listed. */
import { isUtf8 } from 'node:buffer';
import { createGuard, type Guard, signingAlgorithms } from '@postern/guard';
import { guardRoutes } from '@postern/guard/fastify';
import { OAuthError, wellKnownUrl } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import type { Registry } from 'prom-client';
import { openAuthorizationDetailsTypeRegistry } from './authorization-details/authorization-details-type-registry.ts';
import { authorizationDetailsTypesEndpoint } from './authorization-details/authorization-details-types-endpoint.ts';
import { createClientAuthentication } from './client-auth/authenticate.ts';
import { createClientKeys } from './client-auth/client-keys.ts';
import { offeredMethods } from './client-auth/mutual-tls.ts';
import { createAssignableBy } from './clients/assignable-by.ts';
import { createClientAdministration } from './clients/client-administration.ts';
import { createClientDirectory } from './clients/client-directory.ts';
import { clientsEndpoint } from './clients/clients-endpoint.ts';
import { logRootChange } from './clients/root-change.ts';
import { createRootClient } from './clients/root-client.ts';
import { createSecretAdministration } from './clients/secret-administration.ts';
import { secretsEndpoint } from './clients/secrets-endpoint.ts';
import { findTokenFault } from './clients/standing.ts';
import type { Clock } from './clock.ts';
import type { ServerConfig } from './config.ts';
import { createCheckpointSigner } from './events/checkpoint.ts';
import { createDailyCheckpoint } from './events/daily-checkpoint.ts';
import { type EventLog, openEventLog } from './events/event-log.ts';
import { eventsEndpoint } from './events/events-endpoint.ts';
import { followLog } from './events/follow-log.ts';
import { healthEndpoint } from './health-endpoint.ts';
import { answerError, answerNotFound } from './http/answer-error.ts';
import { useClientCertificates } from './http/client-certificates.ts';
import { createGuardedFetch } from './http/guarded-fetch.ts';
import { useOverloadShedding } from './http/overload.ts';
import { useRequestLog } from './http/request-log.ts';
import { useRequestMetrics } from './http/request-metrics.ts';
import { recordRoutes } from './http/route-table.ts';
import { useTracing } from './http/tracing.ts';
import { useValidation } from './http/validation.ts';
import type { Installation } from './installation.ts';
import { introspectionEndpoint } from './introspection-endpoint.ts';
import { createIssuerKeys } from './issuers/issuer-keys.ts';
import { issuersEndpoint } from './issuers/issuers-endpoint.ts';
import { createTrustedIssuerRegistry } from './issuers/trusted-issuer-registry.ts';
import { jwksEndpoint } from './jwks-endpoint.ts';
import { createDpopNonces } from './jwt/dpop-nonce.ts';
import { createUsedTokens } from './jwt/used-token-store.ts';
import { openKeyRing } from './keys/key-ring.ts';
import { keysEndpoint } from './keys/keys-endpoint.ts';
import { createFailureBudgets } from './limits/failure-budgets.ts';
import { createTokenQuota } from './limits/token-quota.ts';
import { createWindowCounts } from './limits/window-counts.ts';
import { metadataEndpoint } from './metadata-endpoint.ts';
import { createMetrics } from './metrics/metrics.ts';
import { metricsEndpoint } from './metrics/metrics-endpoint.ts';
import { createClientRegistration } from './registration/client-registration.ts';
import { createInitialAccessTokenAdministration } from './registration/initial-access-token-administration.ts';
import { initialAccessTokensEndpoint } from './registration/initial-access-tokens-endpoint.ts';
import { registrationEndpoint, registrationPath } from './registration/registration-endpoint.ts';
import { resourceMetadataEndpoint, resourceMetadataName } from './resource-metadata-endpoint.ts';
import { openResourceRegistry } from './resources/resource-registry.ts';
import { resourcesEndpoint } from './resources/resources-endpoint.ts';
import { openRevocationFeed } from './revocation/revocation-feed.ts';
import { revocationsEndpoint } from './revocation/revocations-endpoint.ts';
import { openRevokedTokens } from './revocation/revoked-tokens.ts';
import { revocationEndpoint } from './revocation-endpoint.ts';
import { openOwnScopes } from './scopes/own-scopes.ts';
import { scopesEndpoint } from './scopes/scopes-endpoint.ts';
import { clientCredentials } from './token/client-credentials.ts';
import { createJwtBearer } from './token/jwt-bearer.ts';
import { tokenEndpoint } from './token/token-endpoint.ts';
import { createTokenExchange } from './token/token-exchange.ts';
import { statisticsEndpoint } from './usage/statistics-endpoint.ts';
import { createUsage } from './usage/usage.ts';
import { usageEndpoint } from './usage/usage-endpoint.ts';

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
}

/** Bytes of a form body. */
const formLimit = 65_536;

async function authorizationServerPlugin(app: FastifyInstance, options: AuthorizationServerOptions): Promise<void> {
  const { config, installation, clock } = options;
  const { now } = clock;
  const { db, driver, masterKey } = installation;
  const { issuer } = config;

  const events = await openEventLog({ db, driver, maxStalenessSeconds: config.maxStalenessSeconds, now });
  const resources = await openResourceRegistry(db, events, issuer);
  const scopes = await openOwnScopes({
    db,
    events,
    findResources: (name) =>
      resources.list().flatMap((resource) => (resource.scopes.includes(name) ? resource.key : [])),
  });
  const { registry } = scopes;
  const detailsTypes = await openAuthorizationDetailsTypeRegistry(db, events);
  const revokedTokens = await openRevokedTokens(db, events);
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
  const root = createRootClient(installation.root, masterKey, registry);
  await logRootChange(events, root);
  const feed = await openRevocationFeed({ db, events, now });
  const directory = createClientDirectory({ db, events, root, mostCached: config.cachedClients });
  const usedTokens = createUsedTokens(db);
  const granting = { mode: config.granting, registry };
  const assignableBy = createAssignableBy({ issuer, root, granting, revokedTokens, loadScopes: scopes.load });
  const administration = createClientAdministration({
    events,
    masterKey,
    granting,
    assignableBy,
    resources,
    detailsTypes,
    now,
  });
  const usage = createUsage({ db, now });
  const secrets = createSecretAdministration({
    db,
    events,
    masterKey,
    granting,
    assignableBy,
    lastSecretUse: usage.lastSecretUse,
    now,
  });
  const fetchDocument = createGuardedFetch(config.fetchAllowedNetworks);
  const issuers = createTrustedIssuerRegistry({ db, events, ownIssuer: issuer, granting, assignableBy });
  const issuerKeys = createIssuerKeys(fetchDocument);
  const registrationEnabled = config.registration !== 'off';
  const registration = createClientRegistration({ db, events, masterKey, granting, root, now });
  const initialAccessTokens = createInitialAccessTokenAdministration({
    enabled: registrationEnabled,
    events,
    masterKey,
    granting,
    assignableBy,
    resources,
    now,
  });
  const targets = { issuer, resources, accessTokenTtlSeconds: config.accessTokenTtlSeconds };

  const tokenEndpointUrl = `${issuer}/api/v1/oauth/token`;
  const dpop = {
    useProof: (jkt: string, jti: string, expiresAt: number) => usedTokens.use('dpop', jkt, jti, expiresAt),
    nonces: config.dpopNonces === 'required' ? createDpopNonces(masterKey, now) : undefined,
  };
  const senderConstraint = { tokenEndpoint: tokenEndpointUrl, dpop };
  const bindsToCertificates = config.tls !== undefined || config.clientCertificateHeader !== undefined;
  const windowCounts = createWindowCounts(db, now, (error) => {
    app.log.error({ err: error }, 'failures and quotas are not shared with other nodes until the database answers');
  });
  const failures = createFailureBudgets(windowCounts);
  const authenticateClient = createClientAuthentication({
    issuer,
    tokenEndpoint: tokenEndpointUrl,
    directory,
    masterKey,
    keys: createClientKeys(fetchDocument),
    usedTokens,
    noteSecretUse: usage.noteSecretUse,
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
    findFault: (token) => findTokenFault(token, { issuer, findClient: directory.find, isRevoked: revokedTokens.has }),
  });
  app.decorate('guard', guard);
  app.decorate('events', events);
  const grants = [
    clientCredentials,
    createJwtBearer({ issuer, issuers, issuerKeys, directory, usedTokens }),
    createTokenExchange({
      verification,
      requireStanding: guard.requireStanding,
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
      await windowCounts.forgetPast();
      await feed.maintain();
      await writeCheckpoint();
    } catch (error) {
      app.log.error({ err: error }, 'maintenance failed; it is tried again in a minute');
    }
  });
  const stopFollowing = followLog({ events, driver, clock, log: app.log });
  app.addHook('onClose', async () => {
    stopMaintenance();
    windowCounts.stop();
    await stopFollowing();
    await usage.write();
  });

  recordRoutes(app);
  useValidation(app);
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
      inFlight: useOverloadShedding(app),
      clientCache: directory.usage,
      eventLagSeconds: events.lagSeconds,
      databaseOutages: installation.databaseOutages,
      signingKeyAges: keys.signingAges,
    },
  );
  app.decorate('metrics', metrics.registry);

  useRequestMetrics(app, metrics);

  app.register(async (api) => {
    guardRoutes(api, guard);
    api.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });
    await clientsEndpoint({ db, administration })(api);
    await secretsEndpoint({ secrets })(api);
    await scopesEndpoint(scopes)(api);
    await usageEndpoint({ db, usage, now })(api);
    await statisticsEndpoint({ db, usage, now })(api);
    await keysEndpoint({ keys, now })(api);
    await initialAccessTokensEndpoint({ db, administration: initialAccessTokens })(api);
    await resourcesEndpoint({ resources, scopes: registry, keys })(api);
    await issuersEndpoint({ issuers, scopes: registry })(api);
    await authorizationDetailsTypesEndpoint(detailsTypes)(api);
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
      tokenQuota: createTokenQuota(windowCounts),
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
      requireStanding: guard.requireStanding,
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
      registry,
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

/** JSON bodies; an empty one counts as an empty object. `__proto__` and `constructor.prototype` are refused. */
function useJson(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) {
      done(null, {});
    } else {
      parseJson(request, decodeBody(body as Buffer), done);
    }
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

/** Throws `invalid_request` for bytes that are not UTF-8, rather than to read them as something else. */
function decodeBody(body: Buffer): string {
  if (!isUtf8(body)) {
    throw new OAuthError('invalid_request', 'The body is not UTF-8.');
  }
  return body.toString('utf8');
}

/**
 * Registers the authorization server on a Fastify instance that was made with `httpOptions`. Sets the error handler
 * and the checks of the whole instance, so that APIs registered beside it answer in the same way, and decorates it
 * with `guard` for them.
 */
export const authorizationServer = fastifyPlugin(authorizationServerPlugin, { name: 'postern', fastify: '5.x' });
