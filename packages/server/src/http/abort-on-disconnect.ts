/** Whether somebody still waits for an answer. */
import type { FastifyReply } from 'fastify';

/** Aborts when the caller hangs up, and when the answer is out. */
export function listenerOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => controller.abort());
  return controller.signal;
}
