/** The API documentation at `/openapi.json` and `/api`, which is made when somebody asks for it. */
import { issuerPathOf } from '@postern/server';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { loadOnRequest } from './load-on-request.ts';

/** Returns the routes that are registered on `app` from here on, and are to be described. */
export function collectDescribedRoutes(app: FastifyInstance): readonly RouteOptions[] {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    if (route.method !== 'HEAD' && route.schema?.hide !== true) {
      routes.push(route);
    }
  });
  return routes;
}

/** Allows scripts, styles, images and connections of this server only, and images in style sheets. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface ApiDocsOptions {
  /** Callers reach the routes below it. */
  readonly issuer: string;
  readonly routes: readonly RouteOptions[];
}

export async function apiDocs(app: FastifyInstance, { issuer, routes }: ApiDocsOptions): Promise<void> {
  app.addHook('onSend', async (_request, reply) => {
    reply.header('content-security-policy', contentSecurityPolicy);
    reply.header('referrer-policy', 'no-referrer');
  });
  app.get('/', { schema: { hide: true } }, async (_request, reply) => reply.redirect(`${issuerPathOf(issuer)}/api`));
  loadOnRequest(app, ['/openapi.json', '/api', '/api/json', '/api/yaml', '/api/static/*'], async (pages) => {
    const { addApiDocs } = await import('./api-docs-pages.ts');
    await addApiDocs(pages, routes, issuer);
  });
}
