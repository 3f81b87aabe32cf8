/**
 * Answers 503 instead of growing, when more comes than can be done. RFC 9110 §15.6.4.
 *
 * Two signs of it. Requests that are begun and not answered pile up where the database is slow, or bodies do not
 * arrive. Where the processor is the limit they do not: they wait unread in the sockets, and everything is late.
 */
import { OAuthError } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route answers under any load, for who must see how the server is. */
    neverShed?: boolean;
    /** Its requests may wait for news, in memory and within a limit of their own: they are no load. */
    waits?: boolean;
  }
}

/** Requests that are dealt with at once. */
const mostInFlight = 1_000;

const sampleEveryMs = 250;

/**
 * Sheds requests of all routes of `app`, before anything of them is looked at. Returns how many are in flight.
 * `mostLateMs`: milliseconds that a timer may be late, twice in a row, since one long computation is no overload yet; 0:
 * however late.
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
      app.log.warn({ late_ms: Math.round(lateMs), in_flight: inFlight }, 'overloaded: requests are shed');
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
      // Comes once for every answer, and for every caller that went away without one; `onResponse` does not.
      reply.raw.on('close', end);
    }
    const isOverloaded = lateSamples >= 2 || inFlight > mostInFlight;
    if (isOverloaded && neverShed !== true) {
      done(new OAuthError('temporarily_unavailable', 'There is too much to do: try again.', { reason: 'overloaded' }));
    } else {
      done();
    }
  });
  return () => inFlight;
}
