/** Guard as a Fastify hook. RFC 6750. */
import type { ErrorReason } from '@postern/protocol';
import Fastify, { type FastifyInstance } from 'fastify';
import { expect, test } from 'vitest';
import { goodClaims, goodHeader, now, tokenOf, verification } from '../../fixtures/tokens.ts';
import { createGuard } from '../guard.ts';
import { accessTokenOf, guardRoutes } from './fastify.ts';

const headers = { authorization: `Bearer ${tokenOf(goodHeader, goodClaims)}` };

/** A guarded app, and a function that revokes all tokens. */
function guardedApp(before: (app: FastifyInstance) => void = () => {}) {
  let fault: ErrorReason | undefined;
  const app = Fastify();
  before(app);
  const baseUrl = 'https://api.example.com';
  const dpop = { useProof: async () => true, nonces: undefined };
  const guard = createGuard({
    ...verification,
    baseUrl,
    now: () => now * 1000,
    findInactiveReason: async () => fault,
    dpop,
  });
  guardRoutes(app, guard);
  const withdraw = () => {
    fault = 'client_unknown';
  };
  return { app, withdraw };
}

test('a route without a scope cannot be registered', () => {
  const { app } = guardedApp();
  expect(() => app.get('/open', async () => 'x')).toThrow('GET /open names no scope');
});

test('a handler receives the verified token', async () => {
  const { app } = guardedApp();
  app.get('/policy', { config: { scope: 'policy:read' } }, async (request) => accessTokenOf(request).jti);
  expect((await app.inject({ url: '/policy', headers })).body).toBe('a7f1');
});

test('a route requires the scope that it names', async () => {
  const { app } = guardedApp();
  app.get('/policy', { config: { scope: 'policy:delete' } }, async () => 'x');
  expect((await app.inject({ url: '/policy', headers })).statusCode).toBe(403);
});

test('an unknown path is 404 with a token, and 401 without one', async () => {
  const { app } = guardedApp();
  const ask = (method: 'GET' | 'POST', more: object = {}) => app.inject({ method, url: '/nowhere', body: {}, ...more });
  expect((await ask('POST', { headers })).statusCode).toBe(404);
  expect((await ask('GET')).statusCode).toBe(401);
});

test('the body of a rejected request is not read', async () => {
  let parsed = false;
  const { app } = guardedApp();
  app.addContentTypeParser('text/x', { parseAs: 'string' }, async () => {
    parsed = true;
  });
  app.post('/policy', { config: { scope: 'policy:read' } }, async () => 'x');
  const request = { method: 'POST', url: '/policy', body: 'x' } as const;
  const refused = await app.inject({ ...request, headers: { 'content-type': 'text/x' } });
  expect([refused.statusCode, parsed]).toEqual([401, false]);
  const passed = await app.inject({ ...request, headers: { ...headers, 'content-type': 'text/x' } });
  expect([passed.statusCode, parsed]).toEqual([200, true]);
});

test('a token that is revoked while the body arrives is rejected', async () => {
  const { app, withdraw } = guardedApp();
  app.addContentTypeParser('text/x', { parseAs: 'string' }, async (_request: unknown, body: string) => {
    withdraw();
    return body;
  });
  app.post('/policy', { config: { scope: 'policy:read' } }, async () => 'x');
  const answer = await app.inject({
    method: 'POST',
    url: '/policy',
    headers: { ...headers, 'content-type': 'text/x' },
    body: 'x',
  });
  expect(answer.statusCode).toBe(401);
});

test('RFC 8705 §3 an app can decorate requests with its own certificateThumbprint', async () => {
  const bound = { authorization: `Bearer ${tokenOf(goodHeader, { ...goodClaims, cnf: { 'x5t#S256': 'of-proxy' } })}` };
  const statusWith = async (decorate: boolean) => {
    const { app } = guardedApp((app) => {
      if (decorate) {
        app.decorateRequest('certificateThumbprint', { getter: () => 'of-proxy' });
      }
    });
    app.get('/policy', { config: { scope: 'policy:read' } }, async () => 'x');
    return (await app.inject({ url: '/policy', headers: bound })).statusCode;
  };
  expect([await statusWith(true), await statusWith(false)]).toEqual([200, 401]);
});

test('accessTokenOf throws on a route that is not guarded', async () => {
  const open = Fastify();
  open.get('/open', async (request) => accessTokenOf(request).jti);
  const answer = await open.inject({ url: '/open', headers });
  expect([answer.statusCode, answer.json().message]).toEqual([500, 'GET /open is not guarded']);
});
