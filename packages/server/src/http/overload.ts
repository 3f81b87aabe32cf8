/**
 * Answers 503 if more requests arrive than the process can handle, so that its memory stays bounded. RFC 9110 §15.6.4.
 *
 * There are two signs of overload. If the database is slow or bodies do not arrive, many requests are in flight. If the
 * processor is the limit, few are, since the others wait unread in the sockets; then timers fire late.
 */
import { OAuthError } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route answers under any load, since monitoring needs it. */
    neverShed?: boolean;
    /** Requests of the route may wait for changes. They have a limit of their own and do not count as in flight. */
    waits?: boolean;
  }
}

/** The largest number of requests in flight. */
const mostInFlight = 1_000;

const sampleEveryMs = 250;

/**
 * Sheds requests to all routes of `app`, before anything else is done with them. Returns a function that tells how many
 * are in flight. `mostLateMs` is how late a timer may be twice in a row, in milliseconds, since a single long
 * computation is no overload; 0 turns this sign off.
 */
export function useOverloadShedding(app: FastifyInstance, mostLateMs: number): () => number {
  let inFlight = 0;
  let lateSamples = 0;
  let dueAt = performance.now() + sampleEveryMs;
  const timer = setInterval(() => {
    const lateMs = performance.now() - dueAt;
    dueAt = performance.now() + sampleEveryMs;
    lateSamples = mostLateMs > 0 && lateMs > mostLateMs ? lateSamples + 1 : 0;
    if (lateSamples === 2) {
      app.log.warn({ late_ms: Math.round(lateMs), in_flight: inFlight }, 'overloaded, shedding requests');
    }
  }, sampleEveryMs).unref();
  app.addHook('onClose', async () => clearInterval(timer));

  const end = () => {
    inFlight -= 1;
  };
  app.addHook('onRequest', (request, reply, done) => {
    const { waits, neverShed } = request.routeOptions.config;
    if (waits !== true) {
      inFlight += 1;
      // Emitted once per request, even if the caller disconnected without an answer, for which `onResponse` is not called.
      reply.raw.on('close', end);
    }
    const isOverloaded = lateSamples >= 2 || inFlight > mostInFlight;
    if (isOverloaded && neverShed !== true) {
      done(new OAuthError('temporarily_unavailable', 'Server overloaded; retry later.', { reason: 'overloaded' }));
    } else {
      done();
    }
  });
  return () => inFlight;
}
