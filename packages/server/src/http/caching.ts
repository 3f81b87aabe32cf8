/** Which answers caches may keep. RFC 9111 §5.2.2. */
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Keeps all answers of `app` out of caches. */
export function forbidCaching(app: FastifyInstance): void {
  // Asynchronous on purpose: Node finds errors in the framing of a body right after the headers, and these must be
  // answered before a handler that never waits has sent its own answer.
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
}

/** Allows every cache to keep the answer. Only for documents that are public. */
export function publish(reply: FastifyReply, maxAgeSeconds: number): void {
  reply.header('cache-control', `public, max-age=${maxAgeSeconds}`);
}
