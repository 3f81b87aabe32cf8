/** Measures requests: how long each route takes, and what it refuses. */
import type { OAuthError } from '@postern/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Metrics, NoteAnswer } from '../metrics/metrics.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request was answered with, where that is an error. */
    refusal: OAuthError | undefined;
  }
}

/** Measures the routes that are registered on `app` from here on, and what is asked for where none is. */
export function useRequestMetrics(app: FastifyInstance, metrics: Metrics): void {
  app.decorateRequest('refusal', undefined);
  app.addHook('onRoute', (route) => {
    const note = metrics.ofRoute([route.method].flat().join(' '), route.url);
    route.onResponse = [route.onResponse ?? [], toHook(note)].flat();
  });
  const recordUnserved = toHook(metrics.ofRoute('any', 'none'));
  app.addHook('onResponse', (request, reply, done) => {
    if (request.is404) {
      recordUnserved(request, reply, done);
    } else {
      done();
    }
  });
}

function toHook(note: NoteAnswer) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    note(reply.statusCode, reply.elapsedTime / 1000, request.refusal);
    done();
  };
}
