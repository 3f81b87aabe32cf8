/** Guard as a Fastify hook: every route must name the scope that it requires. RFC 6750. */
import { OAuthError } from '@postern/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AccessToken } from '../access-token.ts';
import type { ApiGuard } from '../api-guard.ts';
import { errorHeaders } from '../error-answer.ts';
import type { Guard } from '../guard.ts';
import type { ProtectOptions } from './node.ts';
import { toGuardedRequest } from './node-request.ts';
import { createThumbprintFinder } from './presented-certificate.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that a call of this route requires: one, or several separated by spaces. */
    scope?: string;
  }
  interface FastifyRequest {
    /** The verified access token; undefined on routes without a guard. */
    accessToken: AccessToken | undefined;
    /**
     * Thumbprint of the client certificate of the request. `guardRoutes` decorates requests with it, unless the app has done
     * so before with a getter of its own.
     */
    readonly certificateThumbprint: string | undefined;
  }
}

/**
 * Guards all routes that `app` registers afterwards, before their body is read. Each must name its scope in
 * `config: { scope }`; registering one without it throws. The error handler of the app receives an `OAuthError` for
 * rejected requests, with its status; the headers of the answer are already set.
 */
export function guardRoutes(app: FastifyInstance, guard: Guard, { proxies }: ProtectOptions = {}): void {
  if (!app.hasRequestDecorator('accessToken')) {
    app.decorateRequest('accessToken', undefined);
  }
  if (!app.hasRequestDecorator('certificateThumbprint')) {
    const findThumbprint = createThumbprintFinder(proxies);
    app.decorateRequest('certificateThumbprint', {
      getter() {
        return findThumbprint(this.raw);
      },
    });
  }
  app.addHook('onRoute', (route) => {
    if (route.config?.scope === undefined) {
      throw new Error(`${route.method} ${route.url} names no scope in its config, so it would not be guarded`);
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    // The handler for unknown routes may do anything, so it is guarded too, and requires a valid token.
    const scope = request.is404 ? '' : request.routeOptions.config.scope;
    if (scope === undefined) {
      throw new Error(`${request.method} ${request.routeOptions.url} names no scope`);
    }
    request.accessToken = await authorizeRequest(request, reply, guard, scope);
  });
  // The token may be revoked while the body arrives.
  app.addHook('preHandler', async (request, reply) => {
    if (request.body !== undefined) {
      await withHeaders(reply, guard.requireActive(accessTokenOf(request)));
    }
  });
}

/**
 * The access token of a request on a route that no guard watches, for one that a caller may use without a token too.
 * Throws as `Guard.authorize` does, with the headers of the answer set.
 */
export function authorizeRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  guard: Guard,
  scope: string,
): Promise<AccessToken> {
  const guarded = toGuardedRequest(request.raw, request.originalUrl, () => request.certificateThumbprint);
  return withHeaders(reply, guard.authorize(guarded, scope));
}

/** Serves the metadata of the API. RFC 9728 §3.1. Register it outside of guarded routes. */
export function resourceMetadata(guard: ApiGuard): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    const { resourceMetadata } = guard;
    if (resourceMetadata !== undefined) {
      app.get(resourceMetadata.path, async (_request, reply) => {
        reply.headers({ 'cache-control': 'public, max-age=300', 'access-control-allow-origin': '*' });
        return resourceMetadata.document;
      });
    }
  };
}

async function withHeaders<T>(reply: FastifyReply, pending: Promise<T>): Promise<T> {
  try {
    return await pending;
  } catch (error) {
    if (error instanceof OAuthError) {
      reply.headers(errorHeaders(error));
    }
    throw error;
  }
}

/** Returns the verified access token of a request on a guarded route. Throws for any other request. */
export function accessTokenOf(request: FastifyRequest): AccessToken {
  if (request.accessToken === undefined) {
    throw new Error(`${request.method} ${request.routeOptions.url} is not guarded`);
  }
  return request.accessToken;
}
