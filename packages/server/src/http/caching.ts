/** Which answers caches may keep. RFC 9111 §5.2.2. */
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Keeps all answers of `app` out of caches. */
export function forbidCaching(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-store');
    done();
  });
}

/** Allows every cache to keep the answer. Only for documents that are public. */
export function publish(reply: FastifyReply, maxAgeSeconds: number): void {
  reply.header('cache-control', `public, max-age=${maxAgeSeconds}`);
}
