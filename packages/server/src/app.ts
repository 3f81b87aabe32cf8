/** The authorization server as a Fastify plugin: this file is its table of contents. */
import type { Guard } from '@postern/guard';
import { guardRoutes } from '@postern/guard/fastify';
import { feedSignatureType } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import type { Registry } from 'prom-client';
import { signJwt } from './access-token/sign-jwt.ts';
import { type Apis, batchEndpoint } from './batch-endpoint.ts';
import { createExpiringClients } from './clients/client-expiry.ts';
import { createFindActor } from './clients/find-actor.ts';
import { createRecheckInTransaction } from './clients/recheck-in-transaction.ts';
import { openRootClient } from './clients/root-client.ts';
import type { Clock } from './clock.ts';
import type { ServerConfig } from './config/config.ts';
import { describeForLog } from './db/outage.ts';
import { startWriteProbe } from './db/write-probe.ts';
import { createDescendantCounts } from './descendants/descendants.ts';
import { createMacEvent, type LogHead } from './events/event.ts';
import type { EventLog } from './events/event-log.ts';
import { eventsEndpoint } from './events/events-endpoint.ts';
import { createFailures } from './failures/failures.ts';
import { failuresEndpoint } from './failures/failures-endpoint.ts';
import { healthEndpoint } from './health-endpoint.ts';
import { forbidCaching } from './http/caching.ts';
import { type ConnectionLimits, connectionLimits, useConnectionLimits } from './http/connection-limits.ts';
import { useForwardedHeaderWarning } from './http/forwarded-headers.ts';
import type { ReachStep } from './http/graceful-close.ts';
import { useOverloadShedding } from './http/overload.ts';
import { useProxyProtocol } from './http/proxy-protocol.ts';
import { useRequestMetrics } from './http/request-metrics.ts';
import { useRequestTurns } from './http/request-turns.ts';
import { useTrailingSlashes } from './http/trailing-slash.ts';
import type { Installation } from './installation.ts';
import { createKeysFaults } from './jwt/keys-faults.ts';
import { keysEndpoint } from './keys/keys-endpoint.ts';
import { day, minute, month, type Period } from './limits/period.ts';
import { createPeriodCounters } from './limits/period-counters.ts';
import { createTokenQuota } from './limits/token-quota.ts';
import { createMetrics } from './metrics/metrics.ts';
import { metricsEndpoint } from './metrics/metrics-endpoint.ts';
import { peopleEndpoint } from './people/people-endpoint.ts';
import { findPersonAsClient } from './people/person-store.ts';
import { createFeedKeys } from './revocation/feed-keys.ts';
import { createRevocationFeed } from './revocation/revocation-feed.ts';
import { openRevocations } from './revocation/revocations.ts';
import { revocationsEndpoint } from './revocation/revocations-endpoint.ts';
import { openRevokedFeedKeys } from './revocation/revoked-feed-keys.ts';
import { createLoadScopes } from './scopes/own-scopes.ts';
import { openStreamRegistry } from './shared-signals/stream-registry.ts';
import { statisticsEndpoint } from './usage/statistics-endpoint.ts';
import { createUsage } from './usage/usage.ts';
import { usageEndpoint } from './usage/usage-endpoint.ts';
import { openEvents } from './wiring/events.ts';
import { useHttp } from './wiring/http.ts';
import { useIdempotencyKeys } from './wiring/idempotency-keys.ts';
import { createKeptCheckpoints, startMaintenance } from './wiring/maintenance.ts';
import { managementApis, openManagement } from './wiring/management.ts';
import { createSharedSignals } from './wiring/shared-signals.ts';
import { createTokens, openKeys } from './wiring/tokens.ts';
import { useVersions } from './wiring/versions.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Guards APIs that are hosted beside the authorization server. */
    guard: Guard;
    /** The log in which such APIs record their changes. */
    events: EventLog;
    /** The metrics of this node. */
    metrics: Registry;
  }
}

export interface AuthorizationServerOptions {
  readonly config: ServerConfig;
  readonly installation: Installation;
  readonly clock: Clock;
  /** Reads the metrics of all workers. Default: reads those of this process. */
  readonly readMetrics?: () => Promise<string>;
  /** Registers the APIs that are served beside these: on the app itself, and on one for each batch of calls. */
  readonly hosted?: Apis;
  /** Default: no other process listens on the port. */
  readonly reachStep?: ReachStep;
  /** Default: `connectionLimits`. Its times for requests are those of `httpOptions`. */
  readonly limits?: ConnectionLimits;
}

async function authorizationServerPlugin(app: FastifyInstance, options: AuthorizationServerOptions): Promise<void> {
  const { config, installation, clock } = options;
  const { db, masterKey } = installation;
  const { now, monotonic } = clock;

  const loadScopes = createLoadScopes();
  const findActor = createFindActor({ ...installation, loadScopes, findPerson: findPersonAsClient });
  const requireActive = createRecheckInTransaction({ issuer: config.issuer, findActor, now });
  const { events, history, anchorHistory } = await openEvents({
    config,
    installation,
    requireActive,
    clock,
    log: app.log,
  });
  const revocations = await openRevocations(db, events, clock);
  const usage = createUsage({ db, now });
  const expiringClients = createExpiringClients(db, now);
  await expiringClients.refresh();
  const descendants = createDescendantCounts({ db, now });
  const failures = createFailures({ db, now });
  const onCountersFault = (error: unknown) =>
    app.log.error(
      describeForLog(error),
      'failures and quotas are not shared with other nodes until the database is available',
    );
  const openCounters = (period: Period) =>
    createPeriodCounters({ db, masterKey, now, period, onFault: onCountersFault });
  // Each has memory of its own, so that failures of strangers never make the counts of clients inexact.
  const periodCounters = {
    ofFailures: openCounters(minute),
    ofClients: openCounters(minute),
    perDay: openCounters(day),
    perMonth: openCounters(month),
  };
  const { ofClients, perDay, perMonth } = periodCounters;
  const tokenQuota = createTokenQuota({ minute: ofClients, day: perDay, month: perMonth });
  for (const counters of Object.values(periodCounters)) {
    events.follow(() => {}, counters.writeAgain);
  }
  const shared = {
    config,
    installation,
    findActor,
    loadScopes,
    events,
    revokedTokens: revocations,
    usage,
    descendants,
    failures,
    periodCounters,
    tokenQuota,
    now,
    monotonic,
  };
  const management = await openManagement({ ...shared, db });
  const streams = await openStreamRegistry({ db, events, masterKey, now });
  const keys = await openKeys({ ...shared, streams }, management);
  const rootClient = await openRootClient({ ...installation, events, registry: management.scopes.registry });
  const onLost = (lost: LogHead) =>
    history.verify([{ ...lost, knownBy: 'a follower of the revocation feed', knownAt: now(), isOld: true }]);
  const revokedFeedKeys = await openRevokedFeedKeys(db, events);
  const feedKeys = createFeedKeys(masterKey, now, revokedFeedKeys.has);
  const feed = createRevocationFeed({
    ...shared,
    db,
    revocations,
    masterKey,
    issuer: config.issuer,
    sign: (claims) => signJwt(feedSignatureType, claims, feedKeys.signing()),
    onLost,
  });
  const keysFaults = createKeysFaults(app.log);
  const onRehashFault = (error: unknown) =>
    app.log.error(describeForLog(error), 'the digest of a secret that moved here is kept until its next use');
  const onRecordFault = (error: unknown) =>
    app.log.error(
      describeForLog(error),
      'what a client ID metadata document says now is recorded when it is fetched next',
    );
  const tokens = await createTokens({
    ...shared,
    rootClient,
    management,
    keys,
    feedKeys,
    onKeysFault: keysFaults.record,
    onRehashFault,
    onRecordFault,
  });
  const { guard, usedTokens } = tokens;
  const checkpoints = createKeptCheckpoints({ ...shared, macEvent: createMacEvent(masterKey) }, app.log);
  const maintained = { keys, revocations, usedTokens, checkpoints, history, anchorHistory, expiringClients };
  startMaintenance(app, { ...shared, ...maintained, clock });
  const writeProbe = await startWriteProbe({ db, clock, log: app.log });
  app.addHook('onClose', async () => writeProbe.stop());

  useRequestTurns(app);
  const limits = options.limits ?? connectionLimits;
  const files = await useHttp(app, { config, clock, rootClientId: installation.root.clientId });
  const metrics = createMetrics(tokens.grantTypes, {
    inFlight: useOverloadShedding(app, {
      mostLateMs: config.overloadMs,
      isAdministrator: tokens.isAdministrator,
      openBodies: useConnectionLimits(app, config.trustedProxies, limits, options.reachStep),
    }),
    clientCache: tokens.directory.usage,
    importedSecrets: tokens.countImportedSecrets,
    expiringClients: expiringClients.count,
    quotaRefusals: tokenQuota.refusals,
    eventLagSeconds: events.lagSeconds,
    databaseOutages: installation.databaseOutages,
    isWritable: () => writeProbe.fault() === undefined,
    keysFaults: keysFaults.count,
    signingKeyAges: keys.signingAges,
    ...files,
    revocationFeedEntries: feed.size,
    checkpoints: checkpoints.state,
    history,
    ignoredForwardedHeaders: useForwardedHeaderWarning(app, config.trustedProxies, monotonic),
    refusedProxyConnections: config.proxyProtocol
      ? useProxyProtocol(app, { ...config, headerMs: limits.proxyHeaderMs, monotonic })
      : () => 0,
  });
  useTrailingSlashes(app);
  useRequestMetrics(app, metrics, installation.root.clientId);
  useVersions(app, { db, events });
  useIdempotencyKeys(app);
  app.decorate('guard', guard).decorate('events', events).decorate('metrics', metrics.registry);

  app.register((api) => managementApis(api, { management, guard, maintainKeys: keys.maintain }));
  await options.hosted?.(app, { db, events, guard, now });

  app.register(async (api) => {
    guardRoutes(api, guard);
    forbidCaching(api);
    await batchEndpoint({
      events,
      requireActive,
      async apis(inner, host) {
        useVersions(inner, host);
        const within = await openManagement({ ...shared, ...host });
        // Creating keys is a change of its own, after the batch.
        const maintainKeys = async () => {};
        inner.register((api) => managementApis(api, { management: within, guard: host.guard, maintainKeys }));
        await options.hosted?.(inner, host);
      },
      afterwards: keys.maintain,
      now,
      monotonic,
    })(api);
    await usageEndpoint({ db, usage, tokenQuota, now })(api);
    await statisticsEndpoint({ db, usage, now })(api);
    await failuresEndpoint({ db, failures, rootId: installation.root.clientId })(api);
    await peopleEndpoint({ db, roles: management.roles, now })(api);
    const isPublished = (kid: string) => feedKeys.published().some((key) => key.kid === kid);
    await keysEndpoint({ keys, feedKeys: { isPublished, revoke: revokedFeedKeys.revoke }, now })(api);
    await revocationsEndpoint({ feed, guard })(api);
    await eventsEndpoint({ db, events, guard, checkpoints, rootId: installation.root.clientId })(api);
  });
  tokens.endpoints(app, metrics);
  const sharedSignals = createSharedSignals({
    ...shared,
    streams,
    feed,
    keys,
    guard,
    findClient: tokens.directory.find,
    clock,
  });
  sharedSignals.start(app);
  sharedSignals.endpoints(app);
  app.register(async (open) => {
    await tokens.discovery(open);
    if (config.metrics === 'beside') {
      await metricsEndpoint(options.readMetrics ?? (() => app.metrics.metrics()))(open);
    }
    const findDatabaseFault = installation.driver.findFault;
    await healthEndpoint({ events, history, writeProbe, findDatabaseFault, ...files, now })(open);
  });
}

/**
 * Registers the authorization server on a Fastify instance that was created with `httpOptions`. Sets the error handler
 * and the schema checks of the whole instance, so that APIs registered beside it answer in the same way, and decorates
 * it with `guard` for them.
 */
export const authorizationServer = fastifyPlugin(authorizationServerPlugin, { name: 'postern', fastify: '5.x' });
