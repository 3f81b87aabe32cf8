/** The authorization server as a Fastify plugin: the one place where its parts are put together and its routes listed. */
import { isUtf8 } from 'node:buffer';
import { createGuard, type Guard } from '@postern/guard';
import { guardRoutes } from '@postern/guard/fastify';
import { OAuthError } from '@postern/protocol';
import type { FastifyInstance } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { createClientAdministration } from './clients/client-administration.ts';
import { createClientDirectory } from './clients/client-directory.ts';
import { clientsEndpoint } from './clients/clients-endpoint.ts';
import { createRootClient } from './clients/root-client.ts';
import { findStandingFault } from './clients/standing.ts';
import type { ServerConfig } from './config.ts';
import { createEventLog } from './events/event-log.ts';
import { healthEndpoint } from './health-endpoint.ts';
import { answerError, answerNotFound, pathOf } from './http/answer-error.ts';
import { recordRoutes } from './http/route-table.ts';
import { useValidation } from './http/validation.ts';
import type { Installation } from './installation.ts';
import { jwksEndpoint } from './jwks-endpoint.ts';
import { openKeyRing } from './keys/key-ring.ts';
import { metadataEndpoint } from './metadata-endpoint.ts';
import { defaultScopes } from './scopes/default-scopes.ts';
import { createScopeRegistry } from './scopes/scope-registry.ts';
import { scopesEndpoint } from './scopes/scopes-endpoint.ts';
import { clientCredentials } from './token/client-credentials.ts';
import { tokenEndpoint } from './token/token-endpoint.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Guards APIs that are hosted beside the authorization server. */
    guard: Guard;
  }
}

export interface AuthorizationServerOptions {
  readonly config: ServerConfig;
  readonly installation: Installation;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Bytes of a form body. */
const formLimit = 65_536;

async function authorizationServerPlugin(app: FastifyInstance, options: AuthorizationServerOptions): Promise<void> {
  const { config, installation, now } = options;
  const { db, masterKey } = installation;
  const { issuer } = config;

  const registry = createScopeRegistry(defaultScopes);
  const events = createEventLog(db, now);
  const keys = await openKeyRing(db, events, masterKey, now);
  const root = createRootClient(installation.root, masterKey, registry);
  const directory = createClientDirectory(db, events, root);
  const granting = { mode: config.granting, registry };
  const administration = createClientAdministration({ root, events, masterKey, granting, now });
  const grants = [clientCredentials({ audience: issuer, accessTokenTtlSeconds: config.accessTokenTtlSeconds })];

  const guard = createGuard({
    issuer,
    audience: issuer,
    algorithms: ['ES256'],
    // Issuer and guard share this machine's clock.
    clockSkewSeconds: 0,
    now,
    findKey: keys.find,
    findFault: async (token) => findStandingFault(token, await directory.find(token.clientId)),
  });
  app.decorate('guard', guard);

  recordRoutes(app);
  useValidation(app);
  useJson(app);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, url, ip } = request;
    const ms = Math.round(reply.elapsedTime * 1000) / 1000;
    request.log.info({ method, path: pathOf(url), status: reply.statusCode, ms, ip }, 'request');
  });

  app.register(async (api) => {
    guardRoutes(api, guard);
    api.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });
    await clientsEndpoint({ db, administration })(api);
    await scopesEndpoint(registry)(api);
  });

  app.register(async (protocol) => {
    useForms(protocol);
    await tokenEndpoint({ issuer, grants, directory, keys, masterKey, now })(protocol);
  });

  app.register(async (open) => {
    await metadataEndpoint({ issuer, grantTypes: grants.map(({ grantType }) => grantType), registry })(open);
    await jwksEndpoint(keys)(open);
    await healthEndpoint(db)(open);
  });
}

/** JSON bodies; an empty one counts as an empty object. `__proto__` and `constructor.prototype` are refused. */
function useJson(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) {
      done(null, {});
    } else {
      parseJson(request, decodeBody(body as Buffer), done);
    }
  });
}

/** Form bodies, as text: an endpoint parses its own, and the schema is for the documentation. */
function useForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: formLimit },
    (_request, body, done) => done(null, decodeBody(body as Buffer)),
  );
  // A request without a body and its Content-Type passes no parser.
  app.addHook('preValidation', async (request) => {
    request.body ??= '';
  });
  app.setValidatorCompiler(() => () => true);
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, oauthErrors: true };
  });
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
}

/** Throws `invalid_request` for bytes that are not UTF-8, rather than to read them as something else. */
function decodeBody(body: Buffer): string {
  if (!isUtf8(body)) {
    throw new OAuthError('invalid_request', 'The body is not UTF-8.');
  }
  return body.toString('utf8');
}

/**
 * Registers the authorization server on a Fastify instance that was made with `httpOptions`. Sets the error handler
 * and the checks of the whole instance, so that APIs registered beside it answer in the same way, and decorates it
 * with `guard` for them.
 */
export const authorizationServer = fastifyPlugin(authorizationServerPlugin, { name: 'postern', fastify: '5.x' });
