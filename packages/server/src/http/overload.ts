/**
 * Answers 503 if more requests arrive than the process can handle, so that its memory stays bounded. RFC 9110 §15.6.4.
 *
 * There are two signs of overload. If the database is slow, many requests are in flight. If the processor is the limit,
 * few are, since the others wait unread in the sockets; then timers fire late. A request whose body has not arrived yet
 * is no load: `connection-limits.ts` bounds these.
 */
import { OAuthError } from '@postern/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { OpenBodies } from './connection-limits.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route answers under any load, since monitoring and every API need it. */
    neverShed?: boolean;
    /** Requests of the route may wait for changes. They have a limit of their own and do not count as in flight. */
    waits?: boolean;
  }
}

/** The largest number of requests in flight, and the number up to which those of administrators are handled. */
const mostInFlight = 1_000;
const mostInFlightOfAdministrators = 2_000;

const sampleEveryMs = 250;

export interface OverloadOptions {
  /**
   * How late a timer may be twice in a row, in milliseconds, since a single long computation is no overload; 0 turns this
   * sign off.
   */
  readonly mostLateMs: number;
  /**
   * Whether a request seems to be an administrator's, once its headers and body are there: these are shed last. Whether
   * its credentials are right is checked later.
   */
  readonly isAdministrator: (request: FastifyRequest) => boolean;
  readonly openBodies: OpenBodies;
}

/**
 * Sheds requests to all routes of `app`, before anything else is done with them. Returns a function that tells how many
 * are in flight.
 */
export function useOverloadShedding(app: FastifyInstance, options: OverloadOptions): () => number {
  const { mostLateMs, isAdministrator, openBodies } = options;
  const inFlight = new Set<FastifyRequest>();
  const withoutBody = new Set<FastifyRequest>();
  let lateSamples = 0;
  let dueAt = performance.now() + sampleEveryMs;
  const timer = setInterval(() => {
    const lateMs = performance.now() - dueAt;
    dueAt = performance.now() + sampleEveryMs;
    lateSamples = mostLateMs > 0 && lateMs > mostLateMs ? lateSamples + 1 : 0;
    if (lateSamples === 2) {
      app.log.warn({ late_ms: Math.round(lateMs), in_flight: inFlight.size }, 'overloaded, shedding requests');
    }
  }, sampleEveryMs).unref();
  app.addHook('onClose', async () => clearInterval(timer));

  /** The error for a request that is not handled now. Who sent it is looked for only under load, since that reads its form. */
  const findOverload = (
    request: FastifyRequest,
    mayBeAdministrator: (request: FastifyRequest) => boolean,
  ): OAuthError | undefined => {
    const isUnderLoad = inFlight.size > mostInFlight || lateSamples >= 2;
    if (
      !isUnderLoad ||
      request.routeOptions.config.neverShed === true ||
      (inFlight.size <= mostInFlightOfAdministrators && mayBeAdministrator(request))
    ) {
      return undefined;
    }
    return new OAuthError('temporarily_unavailable', 'Server overloaded; retry later.', { reason: 'overloaded' });
  };
  const begin = (request: FastifyRequest) => {
    if (request.routeOptions.config.waits !== true) {
      inFlight.add(request);
    }
  };
  /** Whether the body had not arrived. */
  const closeBody = (request: FastifyRequest): boolean => {
    const wasOpen = withoutBody.delete(request);
    if (wasOpen) {
      openBodies.close(request);
    }
    return wasOpen;
  };

  app.addHook('onRequest', (request, reply, done) => {
    begin(request);
    // Emitted once per request, even if the caller disconnected without an answer, for which `onResponse` is not called.
    reply.raw.on('close', () => {
      inFlight.delete(request);
      closeBody(request);
    });
    done(findOverload(request, mayIdentify));
  });
  app.addHook('preParsing', (request, _reply, payload, done) => {
    // Most bodies arrive together with their headers. Of a caller that is gone, nobody would hear that none arrives.
    if (hasBody(request) && !request.raw.complete && !request.raw.destroyed) {
      inFlight.delete(request);
      withoutBody.add(request);
      openBodies.open(request);
    }
    done(null, payload);
  });
  app.addHook('preValidation', (request, _reply, done) => {
    if (closeBody(request)) {
      begin(request);
    }
    done(findOverload(request, isAdministrator));
  });
  return () => inFlight.size;
}

/** Whether a token or the body may yet show that the request is an administrator's. */
function mayIdentify({ headers, routeOptions }: FastifyRequest): boolean {
  const { scope, identifiesClient } = routeOptions.config;
  return identifiesClient === true || (scope !== undefined && headers.authorization !== undefined);
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
