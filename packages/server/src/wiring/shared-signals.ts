/** Creates what it takes to transmit events to receivers, and its endpoints. SSF 1.0. */
import type { Guard } from '@postern/guard';
import { guardRoutes } from '@postern/guard/fastify';
import { describeFault } from '@postern/http-api';
import { OAuthError } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';
import type { TLocalizedValidationError } from 'typebox/error';
import type { Client } from '../clients/client.ts';
import type { Clock } from '../clock.ts';
import type { ServerConfig } from '../config/config.ts';
import { describeForLog } from '../db/outage.ts';
import type { EventLog } from '../events/event-log.ts';
import { forbidCaching } from '../http/caching.ts';
import { createEndpointCheck, createGuardedRequest } from '../http/guarded-fetch.ts';
import type { Installation } from '../installation.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { PeriodCounters } from '../limits/period-counters.ts';
import { createSelfServiceLimit } from '../limits/self-service-limit.ts';
import type { RevocationFeed } from '../revocation/revocation-feed.ts';
import { createFeedSets } from '../shared-signals/feed-sets.ts';
import { createOutbox } from '../shared-signals/outbox.ts';
import { pollEndpoint } from '../shared-signals/poll-endpoint.ts';
import { startPush } from '../shared-signals/push.ts';
import { releasePushLease, takePushLease } from '../shared-signals/push-lease-store.ts';
import { setAlgorithm } from '../shared-signals/set.ts';
import { streamAdministrationEndpoint } from '../shared-signals/stream-administration-endpoint.ts';
import type { StreamRegistry } from '../shared-signals/stream-registry.ts';
import { findStream, moveStream, saveFault } from '../shared-signals/stream-store.ts';
import { pauseStreamsBehind } from '../shared-signals/streams-behind.ts';
import { streamsEndpoint } from '../shared-signals/streams-endpoint.ts';
import { transmitterMetadataEndpoint } from '../shared-signals/transmitter-metadata-endpoint.ts';

export interface SharedSignalsOptions {
  readonly config: Pick<ServerConfig, 'issuer' | 'fetchAllowedNetworks' | 'outboundHosts'>;
  readonly installation: Pick<Installation, 'db' | 'masterKey'>;
  readonly events: EventLog;
  readonly streams: StreamRegistry;
  readonly feed: RevocationFeed;
  readonly keys: KeyRing;
  readonly guard: Guard;
  readonly periodCounters: { readonly ofClients: PeriodCounters };
  /** Finds a client, or root. */
  readonly findClient: (id: string) => Promise<Client | undefined>;
  readonly clock: Clock;
}

/** Milliseconds between two looks for streams that are too far behind. */
const sweepMs = 60_000;

export function createSharedSignals(options: SharedSignalsOptions) {
  const { config, events, streams, feed, keys, guard, findClient, clock } = options;
  const { issuer } = config;
  const { db, masterKey } = options.installation;
  const network = { allowedNetworks: config.fetchAllowedNetworks, allowedHosts: config.outboundHosts };
  const requireAllowed = createEndpointCheck(network);
  const limitOf = (what: string, mostPerMinute: number) =>
    createSelfServiceLimit({ counts: options.periodCounters.ofClients, what, mostPerMinute });
  const signingKey = () => keys.signingKey(setAlgorithm);
  const outbox = createOutbox({ db, events, issuer, signingKey });
  const readFeedSet = createFeedSets({ issuer, feed, lagSeconds: events.lagSeconds, signingKey, now: clock.now });

  const recordFault = (id: string, fault: string | undefined) => saveFault(db, id, fault);
  const findRefusal = async (clientId: string) => {
    const client = await findClient(clientId);
    return client?.enabled === true && client.scopes.has('ssf.read')
      ? undefined
      : 'Its client is disabled, or has lost the scope ssf.read.';
  };

  return {
    /** Starts to push, and to pause the streams that are too far behind, until `app` closes. */
    start(app: FastifyInstance): void {
      const push = startPush({
        clock,
        outbox,
        pushed: () =>
          streams.known().filter(({ status, delivery }) => status !== 'disabled' && delivery.method === 'push'),
        findStream: (id) => findStream(db, masterKey, id),
        moveStream: (before, after) => moveStream(db, before, after),
        takeLease: (holder, ms) => takePushLease(db, holder, { now: clock.now(), until: clock.now() + ms }),
        releaseLease: (holder) => releasePushLease(db, holder),
        findRefusal,
        send: createGuardedRequest(network),
        pause: streams.pause,
        recordFault,
        log: app.log,
      });
      const stop = clock.every(sweepMs, async () => {
        await pauseStreamsBehind({ streams, outbox, head: () => events.head().sequence, now: clock.now }).catch(
          (error: unknown) => app.log.error(describeForLog(error), 'streams that are behind cannot be paused now'),
        );
      });
      app.addHook('onClose', async () => {
        stop();
        await push.close();
      });
    },

    /** Registers the endpoints for receivers, and those for administrators. */
    endpoints(app: FastifyInstance): void {
      app.register(async (receivers) => {
        guardRoutes(receivers, guard);
        forbidCaching(receivers);
        receivers.setSchemaErrorFormatter(
          (errors, part) =>
            new OAuthError('invalid_request', describeFault(errors as TLocalizedValidationError[], part)),
        );
        await streamsEndpoint({
          issuer,
          streams,
          maintainKeys: keys.maintain,
          requireEndpoint: (url) =>
            requireAllowed(url).catch((error: Error) => {
              const { message, cause } = error;
              throw new OAuthError('invalid_request', `delivery/endpoint_url: ${message}.`, { cause });
            }),
          limits: {
            ofClient: limitOf('changes of event streams by one client', 300),
            ofVerification: limitOf('verifications of one event stream', 1),
          },
        })(receivers);
        await pollEndpoint({
          streams,
          outbox,
          readFeedSet,
          events,
          guard,
          recordFault,
          monotonic: clock.monotonic,
        })(receivers);
      });
      app.register(async (administrators) => {
        guardRoutes(administrators, guard);
        forbidCaching(administrators);
        await streamAdministrationEndpoint(issuer, streams)(administrators);
      });
      app.register(transmitterMetadataEndpoint(issuer));
    },
  };
}
