/** The same guarded API on each framework that has an adapter, listening on its own port. */
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { listenOnLoopback } from '@postern/testing/loopback-listener';
import express from 'express';
import express4 from 'express4';
import Fastify, { type FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import * as forExpress from '../src/adapters/express.ts';
import * as forFastify from '../src/adapters/fastify.ts';
import * as forHono from '../src/adapters/hono.ts';
import * as forNode from '../src/adapters/node.ts';
import { createThumbprintFinder } from '../src/adapters/presented-certificate.ts';
import type { ApiGuard } from '../src/index.ts';

export interface ApiOptions {
  readonly proxies?: forNode.TrustedProxies;
  /** Key and certificate of a server that requests client certificates. Default: plain http. */
  readonly tls?: ServerOptions;
}

export interface TestApi {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts an API with `GET /v1/policy`, which requires `policy:read` and answers with the `jti` of its token, and
 * `GET /v1/both`, which requires `policy:read` and `rule:delete`.
 */
export type StartApi = (guard: ApiGuard, options?: ApiOptions) => Promise<TestApi>;

export const frameworks: readonly (readonly [name: string, start: StartApi])[] = [
  ['Express 5', (guard, options = {}) => listen(expressApp(express, guard, options), options)],
  ['Express 4', (guard, options = {}) => listen(expressApp(express4, guard, options), options)],
  ['Fastify', startFastify],
  ['Hono', (guard, options = {}) => listen(honoApp(guard, options), options)],
  ['node:http', (guard, options = {}) => listen(nodeApp(guard, options), options)],
];

function expressApp(framework: typeof express, guard: ApiGuard, { proxies }: ApiOptions): RequestListener {
  const needs = forExpress.protect(guard, proxies && { proxies });
  const app = framework();
  const router = framework.Router();
  router.get('/policy', needs('policy:read'), (request, response) => {
    response.json({ jti: forExpress.accessTokenOf(request).jti });
  });
  router.get('/both', needs('policy:read rule:delete'), (_request, response) => void response.json({}));
  app.use(forExpress.resourceMetadata(guard));
  // A router removes its own path from the URL that its handlers see.
  app.use('/v1', router);
  return app;
}

async function startFastify(guard: ApiGuard, { proxies, tls }: ApiOptions = {}): Promise<TestApi> {
  const app: FastifyInstance = tls === undefined ? Fastify() : (Fastify({ https: tls }) as unknown as FastifyInstance);
  await app.register(forFastify.resourceMetadata(guard));
  await app.register(
    async (api) => {
      forFastify.guardRoutes(api, guard, proxies && { proxies });
      api.get('/policy', { config: { scope: 'policy:read' } }, async (request) => ({
        jti: forFastify.accessTokenOf(request).jti,
      }));
      api.get('/both', { config: { scope: 'policy:read rule:delete' } }, async () => ({}));
    },
    { prefix: '/v1' },
  );
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() };
}

function honoApp(guard: ApiGuard, { proxies }: ApiOptions): RequestListener {
  const findThumbprint = createThumbprintFinder(proxies);
  const needs = forHono.protect(guard, {
    findThumbprint: ({ env }) => findThumbprint((env as HttpBindings).incoming),
  });
  const app = new Hono();
  app.use(forHono.resourceMetadata(guard));
  const api = new Hono();
  api.get('/policy', needs('policy:read'), (context) => context.json({ jti: context.get('accessToken').jti }));
  api.get('/both', needs('policy:read rule:delete'), (context) => context.json({}));
  app.route('/v1', api);
  return getRequestListener(app.fetch) as RequestListener;
}

function nodeApp(guard: ApiGuard, { proxies }: ApiOptions): RequestListener {
  const authorize = forNode.protect(guard, proxies && { proxies });
  return async (request, response) => {
    if (forNode.answerMetadata(guard, request, response)) {
      return;
    }
    const scope = request.url?.startsWith('/v1/both') ? 'policy:read rule:delete' : 'policy:read';
    const token = await authorize(request, response, scope);
    if (token !== undefined) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ jti: token.jti }));
    }
  };
}

async function listen(listener: RequestListener, { tls }: ApiOptions): Promise<TestApi> {
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  const { port, close } = await listenOnLoopback(server);
  return { url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, close };
}
