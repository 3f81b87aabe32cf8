/** Guard as a Fastify hook: every route says what it needs, and one that says nothing cannot be registered. */
import { OAuthError } from '@postern/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AccessToken } from '../access-token.ts';
import type { ApiGuard } from '../api-guard.ts';
import type { Guard } from '../guard.ts';
import { refusalHeaders } from '../refusal.ts';
import type { ProtectOptions } from './node.ts';
import { toGuardedRequest } from './node-request.ts';
import { createThumbprintFinder } from './presented-certificate.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that a call of this route needs: one, or several with spaces between them. */
    scope?: string;
  }
  interface FastifyRequest {
    /** The verified access token; undefined on routes that no guard watches. */
    accessToken: AccessToken | undefined;
    /**
     * Thumbprint of the client certificate of the request. Where it comes from, `guardRoutes` is told; or an app
     * decorates its requests with a getter of its own before that.
     */
    readonly certificateThumbprint: string | undefined;
  }
}

/**
 * Guards all routes that `app` registers from here on, before their body is read. Each must name its scope in
 * `config: { scope }`; registering one that does not throws. What is refused goes to the error handler of the app as
 * an `OAuthError`, with its status and the headers of the answer set.
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
      throw new Error(`${route.method} ${route.url} names no scope, so nothing would guard it`);
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    // Whoever handles what no route answers may do so by any means, so that is guarded too: any token will do.
    const scope = request.is404 ? '' : request.routeOptions.config.scope;
    if (scope === undefined) {
      throw new Error(`${request.method} ${request.routeOptions.url} names no scope`);
    }
    request.accessToken = await authorizeRequest(request, reply, guard, scope);
  });
  // A body may take a while to arrive, and the token may be revoked meanwhile.
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

/** Serves the metadata of the API. RFC 9728 §3.1. Register it where no guard watches. */
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
      reply.headers(refusalHeaders(error));
    }
    throw error;
  }
}

/** The verified access token of a request on a guarded route. */
export function accessTokenOf(request: FastifyRequest): AccessToken {
  if (request.accessToken === undefined) {
    throw new Error(`${request.method} ${request.routeOptions.url} is not guarded`);
  }
  return request.accessToken;
}
