/** Tells a handler that waits whether its caller is still connected. */
import type { FastifyReply } from 'fastify';

/** Returns a signal that aborts when the caller disconnects or the answer has been sent. */
export function abortOnDisconnect(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => controller.abort());
  return controller.signal;
}
