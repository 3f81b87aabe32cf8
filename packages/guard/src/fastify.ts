/** Guard as a Fastify hook: every route says what it needs, and one that says nothing cannot be registered. */
import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AccessToken } from './access-token.ts';
import { certificateThumbprint } from './certificate-thumbprint.ts';
import type { Guard } from './guard.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that a call of this route needs. */
    scope?: string;
  }
  interface FastifyRequest {
    /** The verified access token; undefined on routes that no guard watches. */
    accessToken: AccessToken | undefined;
    /**
     * Thumbprint of the client certificate of the request. By default of the one on the TLS connection; an API behind
     * a proxy that passes certificates on decorates its requests with a getter of its own before it guards routes.
     */
    readonly certificateThumbprint: string | undefined;
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
  if (!app.hasRequestDecorator('certificateThumbprint')) {
    app.decorateRequest('certificateThumbprint', { getter: connectionThumbprint });
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
        get certificateThumbprint() {
          return request.certificateThumbprint;
        },
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

function connectionThumbprint(this: FastifyRequest): string | undefined {
  const { socket } = this.raw;
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  return certificate === undefined ? undefined : certificateThumbprint(certificate.raw);
}

/** The verified access token of a request on a guarded route. */
export function accessTokenOf(request: FastifyRequest): AccessToken {
  if (request.accessToken === undefined) {
    throw new Error(`${request.method} ${request.routeOptions.url} is not guarded`);
  }
  return request.accessToken;
}
