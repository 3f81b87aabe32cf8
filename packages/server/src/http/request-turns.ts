/**
 * Handles the requests that one turn of the event loop brought when all of them are read, one after the other: each step then
 * finds its code and data in the caches of the processor. Nobody waits for a request that has not arrived.
 */
import type { RequestListener } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { createTurn } from '../turn.ts';

/**
 * To be called before `app` listens; listeners for requests that are added later hear of each at once. When a request is handled, what came with its headers has been read too: errors in the
 * framing of its body are answered before a handler that never waits has sent its own answer.
 */
export function useRequestTurns(app: FastifyInstance): void {
  const { server } = app;
  const takeTurn = createTurn();
  const handlers = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  for (const handle of handlers) {
    server.on('request', (request, response) => {
      if (request.socket instanceof TLSSocket) {
        // At the end of what is read now: a turn later, the faults of a certificate that Node could not verify end the connection.
        queueMicrotask(() => handle(request, response));
        return;
      }
      void takeTurn(() => {
        // Its caller may be gone, and nobody would hear of its end.
        if (!request.destroyed) {
          handle(request, response);
        }
      });
    });
  }
}
