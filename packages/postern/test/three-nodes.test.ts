/**
 * Three nodes on one PostgreSQL, and an API on Express, Fastify and Hono each, whose guard follows another node: what
 * is cut off on the first node is refused by all three, though they verify tokens by themselves.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { type ApiGuard, createApiGuard } from '@postern/guard';
import { protect as protectExpress } from '@postern/guard/express';
import { guardRoutes } from '@postern/guard/fastify';
import { protect as protectHono } from '@postern/guard/hono';
import { type OwnPostgres, startOwnPostgres } from '@postern/testing/own-postgres';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  acquireToken,
  call,
  makeTemporaryDirectory,
  postForm,
  type RootCredentials,
  removeDirectory,
  type ServeProcess,
  startServe,
} from './harness.ts';

const root: RootCredentials = { clientId: 'root', clientSecret: randomBytes(32).toString('hex') };
const issuer = 'https://auth.example.com';
const audience = 'https://api.example.com';
const scope = 'policy:read';
const clientPath = '/api/v1/oauth/client';

let directory: string;
let postgres: OwnPostgres;
let nodes: ServeProcess[];
let guards: ApiGuard[];
let apis: Server[];
let rootToken: string;

beforeAll(async () => {
  directory = makeTemporaryDirectory();
  postgres = await startOwnPostgres();
  const env = {
    DATABASE_URL: postgres.url,
    POSTERN_MASTER_KEY: randomBytes(32).toString('base64'),
    POSTERN_ISSUER: issuer,
    OAUTH_ROOT_CLIENT_ID: root.clientId,
    OAUTH_ROOT_CLIENT_SECRET: root.clientSecret,
  };
  // At once, on a database that none of them has seen.
  nodes = await Promise.all(Array.from({ length: 3 }, () => startServe(directory, { env })));
  rootToken = await acquireToken(first().url, root);
  await asRoot('PUT', '/api/v1/oauth/resource', { key: 'api', identifier: audience, scopes: [scope] });
  guards = await Promise.all(nodes.map(startGuard));
  apis = [serveExpress(guardAt(0)), await serveFastify(guardAt(1)), serveHono(guardAt(2))];
  await Promise.all(apis.map((api) => new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))));
});
afterAll(async () => {
  for (const api of apis) {
    api.closeAllConnections();
    api.close();
  }
  await Promise.all(guards.map((guard) => guard.close()));
  await Promise.all(nodes.map((node) => node.stop()));
  await postgres.stop();
  removeDirectory(directory);
});

const first = () => nodes[0] as ServeProcess;
const guardAt = (index: number) => guards[index] as ApiGuard;
const asRoot = (method: string, path: string, body?: object) =>
  call(
    method,
    first().url + path,
    { authorization: `Bearer ${rootToken}`, 'content-type': 'application/json' },
    body && JSON.stringify(body),
  );

/** A guard that asks `node` wherever it would ask the issuer. */
async function startGuard(node: ServeProcess): Promise<ApiGuard> {
  const atNode = (url: string | URL | Request, init?: RequestInit) =>
    fetch(String(url).replace(issuer, node.url), init);
  const authorization = `Bearer ${await acquireToken(node.url, root)}`;
  const guard = createApiGuard({
    issuer,
    audience,
    fetch: atNode,
    revocations: { fetch: (url, init) => atNode(url, { ...init, headers: { ...init?.headers, authorization } }) },
  });
  await guard.start();
  return guard;
}

function serveExpress(guard: ApiGuard): Server {
  const app = express();
  app.get('/', protectExpress(guard)(scope), (_request, response) => void response.json({}));
  return createServer(app);
}

async function serveFastify(guard: ApiGuard): Promise<Server> {
  const app = Fastify();
  guardRoutes(app, guard);
  app.get('/', { config: { scope } }, async () => ({}));
  await app.ready();
  return app.server;
}

function serveHono(guard: ApiGuard): Server {
  const app = new Hono();
  app.get('/', protectHono(guard)(scope), (context) => context.json({}));
  return createAdaptorServer(app) as Server;
}

/** What the three APIs answer to a token. */
const statusesOf = (token: string) =>
  Promise.all(
    apis.map(async (api) => {
      const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}/`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      await response.arrayBuffer();
      return response.status;
    }),
  );

interface Victim extends RootCredentials {
  readonly token: string;
}

const cuts: [name: string, cut: (victim: Victim) => Promise<{ status: number }>][] = [
  [
    'a token that is revoked',
    ({ clientId, clientSecret, token }) =>
      postForm(
        `${first().url}/api/v1/oauth/revoke`,
        `client_id=${clientId}`,
        `client_secret=${clientSecret}`,
        `token=${token}`,
      ),
  ],
  ['a client that is deleted', ({ clientId }) => asRoot('DELETE', `${clientPath}/${clientId}`)],
  ['a client that is disabled', ({ clientId }) => asRoot('PATCH', `${clientPath}/${clientId}`, { enabled: false })],
  ['a scope that is taken away', ({ clientId }) => asRoot('PATCH', `${clientPath}/${clientId}`, { scopes: [] })],
  [
    'a secret that is rotated with a cut',
    ({ clientId }) => asRoot('POST', `${clientPath}/${clientId}/secret`, { overlap_seconds: 0 }),
  ],
];

test.each(cuts)('%s is refused by every API, and no other token is', async (_, cut) => {
  const [victim, bystander] = [await makeVictim(), await makeVictim()];
  expect(await statusesOf(victim.token)).toEqual([200, 200, 200]);
  expect((await cut(victim)).status).toBeLessThan(300);
  await vi.waitFor(async () => expect(await statusesOf(victim.token)).toEqual([401, 401, 401]), {
    timeout: 20_000,
    interval: 5,
  });
  expect(await statusesOf(bystander.token)).toEqual([200, 200, 200]);
});

async function makeVictim(): Promise<Victim> {
  const { body } = await asRoot('POST', clientPath, { scopes: [scope], resources: [audience] });
  const credentials = { clientId: body.client_id, clientSecret: body.client_secret };
  const answer = await postForm(
    `${first().url}/api/v1/oauth/token`,
    'grant_type=client_credentials',
    `client_id=${credentials.clientId}`,
    `client_secret=${credentials.clientSecret}`,
    `resource=${encodeURIComponent(audience)}`,
  );
  return { ...credentials, token: answer.body.access_token };
}
