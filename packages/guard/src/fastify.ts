/** Guard as a Fastify hook: every route says what it needs, and one that says nothing cannot be registered. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AccessToken } from './access-token.ts';
import type { Guard } from './guard.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that a call of this route needs. */
    scope?: string;
  }
  interface FastifyRequest {
    /** The verified access token; undefined on routes that no guard watches. */
    accessToken: AccessToken | undefined;
  }
}

/**
 * Guards all routes that `app` registers from here on, before their body is read. Each must name its scope in
 * `config: { scope }`; registering one that does not throws.
 */
export function guardRoutes(app: FastifyInstance, guard: Guard): void {
  if (!app.hasRequestDecorator('accessToken')) {
    app.decorateRequest('accessToken', undefined);
  }
  app.addHook('onRoute', (route) => {
    if (route.config?.scope === undefined) {
      throw new Error(`${route.method} ${route.url} names no scope, so nothing would guard it`);
    }
  });
  app.addHook('onRequest', async (request) => {
    const scope = request.routeOptions.config.scope;
    if (scope === undefined) {
      throw new Error(`${request.method} ${request.routeOptions.url} names no scope`);
    }
    const { authorization, dpop } = request.headers;
    request.accessToken = await guard.authorize(
      {
        method: request.method,
        path: request.url,
        authorization,
        // Two headers of that name arrive as one text with a comma, which no proof is.
        dpop: typeof dpop === 'string' ? dpop : undefined,
      },
      scope,
    );
  });
  // A body may take its time to arrive, and the ground of the token may go meanwhile.
  app.addHook('preHandler', async (request) => {
    if (request.body !== undefined) {
      await guard.requireStanding(accessTokenOf(request));
    }
  });
}

/** The verified access token of a request on a guarded route. */
export function accessTokenOf(request: FastifyRequest): AccessToken {
  if (request.accessToken === undefined) {
    throw new Error(`${request.method} ${request.routeOptions.url} is not guarded`);
  }
  return request.accessToken;
}
