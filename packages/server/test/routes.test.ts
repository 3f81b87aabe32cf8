/** Every route there is, walked: none is open that is not listed here. RFC 6750 §3.1. */

import { claimsOf, startTestServer, type TestServer } from '@postern/testing/test-server';
import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** The routes that need no token. A new one must be added here on purpose. */
const publicRoutes = [
  'GET /.well-known/jwks.json',
  'GET /.well-known/revocation-feed-jwks.json',
  'GET /.well-known/oauth-authorization-server',
  'GET /.well-known/oauth-protected-resource',
  'GET /.well-known/openid-configuration',
  'GET /.well-known/ssf-configuration',
  'GET /api/v1/oauth/authorize',
  'DELETE /api/v1/session',
  'GET /api/v1/session',
  'GET /api/v1/whoami',
  'GET /health',
  'GET /health/ready',
  'GET /metrics',
  'OPTIONS /.well-known/jwks.json',
  'OPTIONS /.well-known/revocation-feed-jwks.json',
  'OPTIONS /.well-known/oauth-authorization-server',
  'OPTIONS /.well-known/oauth-protected-resource',
  'OPTIONS /.well-known/openid-configuration',
  'OPTIONS /.well-known/ssf-configuration',
  'DELETE /api/v1/oauth/register/:client_id',
  'GET /api/v1/oauth/register/:client_id',
  'POST /api/v1/oauth/explain',
  'POST /api/v1/oauth/introspect',
  'POST /api/v1/oauth/register',
  'PUT /api/v1/oauth/register/:client_id',
  'POST /api/v1/oauth/revoke',
  'POST /api/v1/oauth/token',
  'POST /api/v1/session',
  'POST /api/v1/session/code',
  'POST /api/v1/session/token',
];

/** Reading a registration changes its token, which a HEAD must not. RFC 9110 §9.2.1. */
const withoutHead = 'GET /api/v1/oauth/register/:client_id';

/** What every other route needs, as the manual promises it; a HEAD needs what its GET does. */
const scopes = {
  'POST /api/v1/oauth/client': 'client:create',
  'GET /api/v1/oauth/client': 'client:read',
  'GET /api/v1/oauth/client/:client_id': 'client:read',
  'PUT /api/v1/oauth/client/:client_id': 'client:update',
  'PATCH /api/v1/oauth/client/:client_id': 'client:update',
  'DELETE /api/v1/oauth/client/:client_id': 'client:delete',
  'GET /api/v1/oauth/client/:client_id/scope': 'client:read',
  'PUT /api/v1/oauth/client/:client_id/scope': 'client:update',
  'GET /api/v1/oauth/authorization-details-type': 'authorization_details_type:read',
  'PUT /api/v1/oauth/authorization-details-type': 'authorization_details_type:create_or_update',
  'GET /api/v1/oauth/authorization-details-type/:type': 'authorization_details_type:read',
  'DELETE /api/v1/oauth/authorization-details-type/:type': 'authorization_details_type:delete',
  'POST /api/v1/oauth/client/:client_id/revoke': 'token:revoke',
  'POST /api/v1/oauth/revoke_one': 'token:revoke',
  'POST /api/v1/oauth/revoke_one/preview': 'token:revoke',
  'POST /api/v1/oauth/revoke_all': 'token:revoke',
  'POST /api/v1/oauth/client/:client_id/secret': 'client:update',
  'GET /api/v1/oauth/client/:client_id/secret': 'client:read',
  'DELETE /api/v1/oauth/client/:client_id/secret/:secret_id': 'client:update',
  'GET /api/v1/oauth/client-document': 'client_document:read',
  'GET /api/v1/oauth/client-document/:client_id': 'client_document:read',
  'POST /api/v1/oauth/client-document/:client_id/reject': 'client_document:approve',
  'POST /api/v1/oauth/initial-access-token': 'initial_access_token:create',
  'GET /api/v1/oauth/initial-access-token': 'initial_access_token:read',
  'GET /api/v1/oauth/initial-access-token/:id': 'initial_access_token:read',
  'DELETE /api/v1/oauth/initial-access-token/:id': 'initial_access_token:delete',
  'GET /api/v1/oauth/issuer': 'issuer:read',
  'PUT /api/v1/oauth/issuer': 'issuer:create_or_update',
  'GET /api/v1/oauth/issuer/:issuer_key': 'issuer:read',
  'DELETE /api/v1/oauth/issuer/:issuer_key': 'issuer:delete',
  'POST /api/v1/batch': 'batch:apply',
  'GET /api/v1/oauth/client-policy': 'client_policy:read',
  'PUT /api/v1/oauth/client-policy': 'client_policy:create_or_update',
  'GET /api/v1/oauth/client-policy/:name': 'client_policy:read',
  'DELETE /api/v1/oauth/client-policy/:name': 'client_policy:delete',
  'GET /api/v1/oauth/role': 'role:read',
  'PUT /api/v1/oauth/role': 'role:create_or_update',
  'GET /api/v1/oauth/role/:name': 'role:read',
  'DELETE /api/v1/oauth/role/:name': 'role:delete',
  'GET /api/v1/oauth/key': 'key:read',
  'POST /api/v1/oauth/key/rotate': 'key:rotate',
  'DELETE /api/v1/oauth/key/:kid': 'key:delete',
  'POST /api/v1/oauth/key/:kid/revoke': 'key:revoke',
  'GET /api/v1/oauth/resource': 'resource:read',
  'PUT /api/v1/oauth/resource': 'resource:create_or_update',
  'GET /api/v1/oauth/resource/:resource_key': 'resource:read',
  'DELETE /api/v1/oauth/resource/:resource_key': 'resource:delete',
  'GET /api/v1/oauth/stream': 'stream:read',
  'GET /api/v1/oauth/stream/:id': 'stream:read',
  'DELETE /api/v1/oauth/stream/:id': 'stream:delete',
  'GET /api/v1/ssf/stream': 'ssf.read',
  'POST /api/v1/ssf/stream': 'ssf.manage',
  'PATCH /api/v1/ssf/stream': 'ssf.manage',
  'PUT /api/v1/ssf/stream': 'ssf.manage',
  'DELETE /api/v1/ssf/stream': 'ssf.manage',
  'GET /api/v1/ssf/status': 'ssf.read',
  'POST /api/v1/ssf/status': 'ssf.manage',
  'POST /api/v1/ssf/subject/add': 'ssf.manage',
  'POST /api/v1/ssf/subject/remove': 'ssf.manage',
  'POST /api/v1/ssf/verify': 'ssf.manage',
  'POST /api/v1/ssf/poll/:stream_id': 'ssf.read',
  'GET /api/v1/oauth/events': 'audit:read',
  'GET /api/v1/oauth/events/checkpoint': 'audit:read',
  'GET /api/v1/oauth/events/head': 'audit:read',
  'GET /api/v1/oauth/revocations': 'revocation:read',
  'GET /api/v1/oauth/scope': 'scope:read',
  'PUT /api/v1/oauth/scope': 'scope:create_or_update',
  'GET /api/v1/oauth/scope/:name': 'scope:read',
  'DELETE /api/v1/oauth/scope/:name': 'scope:delete',
  'GET /api/v1/oauth/scopes': 'scope:read',
  'GET /api/v1/oauth/client/:client_id/usage': 'client:read',
  'GET /api/v1/oauth/usage/unused': 'client:read',
  'GET /api/v1/oauth/statistics': 'audit:read',
  'GET /api/v1/oauth/failures': 'audit:read',
  'GET /api/v1/oauth/person': 'person:read',
};

/** Whether a path with parameters takes a path: `/key/:kid` takes `/key/rotate` too. */
function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  return wanted.length === given.length && wanted.every((part, at) => part === given[at] || part.startsWith(':'));
}

interface Route {
  readonly method: string;
  readonly url: string;
  readonly scope: string | undefined;
}

const routes: Route[] = [];
let server: TestServer;
let allScopes: string[];

beforeAll(async () => {
  server = await startTestServer({
    before: (app) => {
      app.addHook('onRoute', ({ method, url, config }: RouteOptions) => {
        routes.push(...[method].flat().map((name) => ({ method: name, url, scope: config?.scope })));
      });
    },
  });
  allScopes = (claimsOf(await server.rootToken())['scope'] as string).split(' ');
});
afterAll(() => server.close());

const nameOf = ({ method, url }: Route) => `${method} ${url}`;
const guarded = () => routes.filter(({ scope }) => scope !== undefined);

/** Calls a route with what it may need in its path, and no body. */
const call = ({ method, url }: Route, token?: string) =>
  server.call(method, url.replaceAll(/:\w+/g, 'some'), { token });

test('the public routes are the ones listed, and the HEAD of each', () => {
  const open = routes.filter(({ scope }) => scope === undefined).map(nameOf);
  const heads = publicRoutes
    .filter((name) => name.startsWith('GET ') && name !== withoutHead)
    .map((name) => name.replace('GET', 'HEAD'));
  expect(open.toSorted()).toEqual([...publicRoutes, ...heads].toSorted());
});

test('every other route needs the scope that is promised', () => {
  const needed = Object.fromEntries(guarded().map((route) => [nameOf(route), route.scope]));
  const heads = Object.entries(scopes)
    .filter(([name]) => name.startsWith('GET '))
    .map(([name, scope]) => [name.replace('GET', 'HEAD'), scope]);
  expect(needed).toEqual({ ...scopes, ...Object.fromEntries(heads) });
});

describe('every other route', () => {
  test('without a token answers 401 and the bare challenge', async () => {
    for (const route of guarded()) {
      const { status, headers } = await call(route);
      expect([nameOf(route), status, headers.get('www-authenticate')]).toEqual([
        nameOf(route),
        401,
        expect.stringMatching(/^Bearer realm="Postern", resource_metadata="[^"]+"$/),
      ]);
    }
  });

  test('with a token of every scope but its own answers 403 and names that one', async () => {
    for (const route of guarded()) {
      const token = await server.token(server.root, allScopes.filter((scope) => scope !== route.scope).join(' '));
      const { status, headers, body } = await call(route, token);
      const challenge = headers.get('www-authenticate');
      expect([nameOf(route), status, challenge]).toEqual([
        nameOf(route),
        403,
        expect.stringMatching(
          new RegExp(`error="insufficient_scope".* scope="${route.scope}", resource_metadata="[^"]+"$`),
        ),
      ]);
      if (route.method !== 'HEAD') {
        expect(body).toEqual({ error: 'insufficient_scope', detail: expect.stringContaining(route.scope ?? '') });
      }
    }
  });

  test('with a token of its scope alone lets the call pass', async () => {
    for (const route of guarded()) {
      const token = await server.token(server.root, route.scope);
      const { status } = await call(route, token);
      expect([nameOf(route), [401, 403, 500].includes(status)]).toEqual([nameOf(route), false]);
    }
  });

  test('takes no token from the URL or the body', async () => {
    const token = await server.rootToken();
    for (const route of guarded()) {
      const url = `${route.url}?access_token=${token}`;
      expect([nameOf(route), (await call({ ...route, url })).status]).toEqual([nameOf(route), 401]);
      if (route.method !== 'GET' && route.method !== 'HEAD') {
        const { status } = await server.call(route.method, route.url, { body: { access_token: token } });
        expect([nameOf(route), status]).toEqual([nameOf(route), 401]);
      }
    }
  });
});

describe('a method that a path does not take', () => {
  test('RFC 9110 §15.5.6 gets 405 and the allowed ones, with and without a token', async () => {
    const token = await server.rootToken();
    const urls = new Set(routes.map(({ url }) => url));
    for (const url of urls) {
      const taken = routes.filter((route) => matches(route.url, url)).map(({ method }) => method);
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
        (name) => !taken.includes(name),
      )) {
        for (const credentials of [undefined, token]) {
          const { status, headers, body } = await call({ method, url, scope: undefined }, credentials);
          expect([method, url, status, body.error]).toEqual([method, url, 405, 'method_not_allowed']);
          expect(headers.get('allow')?.split(', ').toSorted()).toEqual(taken.toSorted());
          expect(body.detail).toContain(`does not support ${method}`);
        }
      }
    }
  });

  test('is 404 where nothing is served at all', async () => {
    for (const path of ['/', '/api/v1/oauth', '/api/v1/oauth/client/some/other', '/API/V1/OAUTH/SCOPE', '//health']) {
      const { status, headers, body } = await server.call('POST', path);
      expect([path, status, headers.get('allow'), body.error]).toEqual([path, 404, null, 'not_found']);
    }
  });
});
