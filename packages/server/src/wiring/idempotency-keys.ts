/** The header Idempotency-Key: a call that is sent again changes nothing again. draft-ietf-httpapi-idempotency-key-header-07 §2. */
import { OAuthError } from '@postern/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../events/actor.ts';

/**
 * Passes the key to the event log, with the access token of the caller, on all routes of `app` that change something. To
 * be called before these routes are registered.
 */
export function useIdempotencyKeys(app: FastifyInstance): void {
  const preHandler = async (request: FastifyRequest) => {
    const { 'idempotency-key': key } = request.headers;
    if (key === undefined || request.accessToken === undefined) {
      return;
    }
    if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
      throw new OAuthError(
        'invalid_request',
        'Idempotency-Key: must be 1 to 255 visible ASCII characters without spaces, such as a random UUID.',
      );
    }
    const { method, url, body = null } = request;
    const call = { key, request: JSON.stringify([method, url, body]), changes: 0 };
    const caller: Caller = { ...request.accessToken, call };
    request.accessToken = caller;
  };
  app.addHook('onRoute', (route) => {
    if (route.config?.changes !== undefined) {
      route.preHandler = [preHandler, route.preHandler ?? []].flat();
    }
  });
}
